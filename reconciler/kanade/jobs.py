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
from reconciler.kanade.names import JOBS, JOBS_YAML, REVOKED, SCRIPT_CURRENT, SCRIPT_STATUS
from reconciler.kanade.view import bucket_view
from reconciler.model.action import UpsertJob
from reconciler.model.identity import JobId, Json, Version
from reconciler.model.observed import LiveJob
from reconciler.ports import Wake

log = structlog.get_logger()


class NatsCatalogue:
    """Implements `ports.Catalogue`."""

    def __init__(self, connection: Connection, changed: Wake = lambda: None) -> None:
        self._manifests = bucket_view(connection, JOBS, _manifest, changed)
        self._pins = bucket_view(connection, SCRIPT_CURRENT, _text, changed)
        self._statuses = bucket_view(connection, SCRIPT_STATUS, _text, changed)
        self._views = (self._manifests, self._pins, self._statuses)

    async def start(self) -> None:
        """Read the catalogue, and follow it; raises what `Mirror.start` raises."""
        await asyncio.gather(*(view.mirror.start() for view in self._views))

    async def stop(self) -> None:
        """Stop following."""
        await asyncio.gather(*(view.mirror.stop() for view in self._views))

    async def refresh(self) -> None:
        """See `ports.Catalogue`."""
        await asyncio.gather(*(view.mirror.refresh() for view in self._views))

    async def resync(self) -> None:
        """Read the catalogue anew; raises what `refresh` raises."""
        await asyncio.gather(*(view.mirror.resync() for view in self._views))

    def live(self) -> Mapping[JobId, LiveJob]:
        """See `ports.Catalogue`; a manifest that cannot be read is an empty one."""
        pins, statuses = self._pins.read(), self._statuses.read()
        return {
            JobId(key): LiveJob(
                id=JobId(key),
                manifest=manifest,
                pin=Version(pins[key]) if key in pins else None,
                revoked=statuses.get(key, "").strip() == REVOKED,
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

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        """See `ports.Jobs`; the pin comes last, so that a broken-off write is seen to be one.

        Raises:
            Conflict: somebody has changed the job since it was read; nothing was written.
        """
        if action.manifest.get("id") != action.job_id:
            raise KanadeRefused(f"job {action.job_id}: its manifest has another id")
        manifest = msgspec.json.encode(action.manifest)
        expected = self._catalogue.sequence(action.job_id)
        await self._manifests.put(action.job_id, manifest, expected=expected)
        await self._yaml.put(action.job_id, yaml.encode())
        await self._pins.put(action.job_id, action.version.encode())
        await self._catalogue.see_pin(action.job_id, action.version)
        if self._audit is not None:
            await self._audit.record("job_upsert", action.job_id, {"version": action.version})


def _manifest(message: Message) -> Mapping[str, Json]:
    try:
        return decode_object(message.data, message.subject)
    except Unreadable as error:
        log.warning("job unreadable", subject=message.subject, error=str(error))
        return {}


def _text(message: Message) -> str:
    return message.data.decode("utf-8", "replace")
