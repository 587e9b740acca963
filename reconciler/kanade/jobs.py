"""kanade's job catalogue over NATS: manifests, their YAML, version pins and revocations."""

import asyncio
from collections.abc import Mapping

import msgspec
import structlog

from reconciler.errors import KanadeRefused, KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.message import Message
from reconciler.kanade.audit import Audit
from reconciler.kanade.codec import Unreadable, decode_object
from reconciler.kanade.names import (
    ACTIVE,
    JOBS,
    JOBS_YAML,
    REVOKED,
    SCHEDULES,
    SCRIPT_CURRENT,
    SCRIPT_STATUS,
)
from reconciler.kanade.view import bucket_view, optional_view
from reconciler.model.action import UpsertJob
from reconciler.model.identity import JobId, Json, Version
from reconciler.model.observed import LiveJob
from reconciler.ports import Wake

MOST_CHARACTERS = 128
"""No version and no status is longer."""
_SHOWN = 60

log = structlog.get_logger()


class NatsCatalogue:
    """Implements `ports.Catalogue`."""

    def __init__(self, connection: Connection, changed: Wake = lambda: None) -> None:
        self._manifests = bucket_view(connection, JOBS, _manifest, changed)
        self._pins = bucket_view(connection, SCRIPT_CURRENT, _text, changed)
        self._statuses = bucket_view(connection, SCRIPT_STATUS, _text, changed)
        self._views = (self._manifests, self._pins, self._statuses)
        self._schedules = optional_view(connection, SCHEDULES, _manifest, changed)

    async def start(self) -> None:
        """Read the catalogue, and follow it; raises what `Mirror.start` raises."""
        await asyncio.gather(*(view.mirror.start() for view in self._views))
        await self._schedules.refresh()

    async def stop(self) -> None:
        """Stop following."""
        await asyncio.gather(*(view.mirror.stop() for view in self._views), self._schedules.stop())

    async def refresh(self) -> None:
        """See `ports.Catalogue`."""
        await asyncio.gather(
            *(view.mirror.refresh() for view in self._views), self._schedules.refresh()
        )

    async def resync(self) -> None:
        """Read the catalogue again; raises what `refresh` raises."""
        await asyncio.gather(
            *(view.mirror.resync() for view in self._views), self._schedules.resync()
        )

    def live(self) -> Mapping[JobId, LiveJob]:
        """See `ports.Catalogue`; a manifest that cannot be read is an empty one."""
        pins, statuses = self._pins.read(), self._statuses.read()
        scheduled = {item.get("job_id"): name for name, item in self._schedules.read().items()}
        return {
            JobId(key): LiveJob(
                id=JobId(key),
                manifest=manifest,
                pin=Version(pins[key]) if key in pins else None,
                revoked=statuses.get(key, "").strip() == REVOKED,
                schedule=scheduled.get(key),
            )
            for key, manifest in self._manifests.read().items()
        }

    def sequence(self, job: JobId) -> int:
        """Return where the manifest's last message stands, 0 for none: what a write replaces."""
        message = self._manifests.mirror.messages.get(f"$KV.{JOBS}.{job}")
        return message.sequence if message else 0

    async def see_pin(self, job: JobId, version: Version) -> None:
        """Return once the version pin can be read back.

        Raises:
            KanadeUnavailable: it says something else.
        """
        await self._pins.mirror.refresh()
        found = self._pins.read().get(job)
        if found != version:
            raise KanadeUnavailable(
                f"bucket {SCRIPT_CURRENT}: {job} is {found or 'not there'} after {version} was "
                "written; agents would skip the command"
            )

    async def see_gone(self, job: JobId) -> None:
        """Return once the job is out of the catalogue.

        Raises:
            KanadeUnavailable: it is still there.
        """
        await self._manifests.mirror.refresh()
        if job in self._manifests.read():
            raise KanadeUnavailable(f"bucket {JOBS}: {job} is still there after it was deleted")


class NatsJobs:
    """Implements `ports.Jobs` where there is no backend, or where it is down."""

    def __init__(
        self, connection: Connection, catalogue: NatsCatalogue, audit: Audit | None = None
    ) -> None:
        self._catalogue = catalogue
        self._audit = audit
        self._manifests = Bucket(connection, JOBS)
        self._yaml = Bucket(connection, JOBS_YAML)
        self._pins = Bucket(connection, SCRIPT_CURRENT)
        self._statuses = Bucket(connection, SCRIPT_STATUS)

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        """See `ports.Jobs`; the pin comes last, so that a broken-off write is seen to be one.

        Raises:
            Conflict: somebody has changed the job since it was read; nothing was written.
        """
        if action.manifest.get("id") != action.job_id:
            raise KanadeRefused(f"job {action.job_id}: its manifest has another id")
        manifest = msgspec.json.encode(action.manifest)
        expected = self._catalogue.sequence(action.job_id)
        before = self._catalogue.live().get(action.job_id)
        await self._manifests.put(action.job_id, manifest, expected=expected)
        await self._yaml.put(action.job_id, yaml.encode())
        await self._pins.put(action.job_id, action.version.encode())
        await self._catalogue.see_pin(action.job_id, action.version)
        if self._audit is not None:
            details: dict[str, Json] = {"version": action.version}
            if before is not None and before.pin not in (None, action.version):
                details["script_current_before"] = before.pin
            await self._audit.record("job_upsert", action.job_id, details)

    async def delete(self, job: JobId) -> None:
        """See `ports.Jobs`; revoked first, as the backend does, for the sake of old commands."""
        live = self._catalogue.live().get(job)
        if live is None:
            return
        if live.schedule is not None:
            raise KanadeRefused(
                f"job {job} is referenced by schedule {live.schedule}; remove the schedule first"
            )
        await self._statuses.put(job, REVOKED.encode())
        await self._manifests.delete(job, expected=self._catalogue.sequence(job))
        await self._catalogue.see_gone(job)
        if self._audit is not None:
            await self._audit.record("job_delete", job, {"cascade_revoke": True})

    async def unrevoke(self, job: JobId) -> None:
        """See `ports.Jobs`."""
        await self._statuses.put(job, ACTIVE.encode())
        await self._catalogue.refresh()
        if self._audit is not None:
            await self._audit.record("script_unrevoke", job, {})


def _manifest(message: Message) -> Mapping[str, Json]:
    try:
        return decode_object(message.data, message.subject)
    except Unreadable as error:
        log.warning("job unreadable", subject=message.subject, error=str(error))
        return {}


def _text(message: Message) -> str:
    """Return a pin or a status as text; what is too long to be either is cut, and marked so."""
    text = message.data.decode("utf-8", "replace")
    return text if len(text) <= MOST_CHARACTERS else text[:_SHOWN] + "…"
