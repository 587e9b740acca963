"""The job catalogue and commands through the backend, which validates, audits and signs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from urllib.parse import quote

import msgspec

from reconciler.errors import KanadeUnavailable
from reconciler.kanade.http import Ask
from reconciler.kanade.http_errors import read_json
from reconciler.kanade.http_write import WRITE_WITHIN, BackendWriter
from reconciler.kanade.jobs import NatsCatalogue
from reconciler.kanade.names import checked_host
from reconciler.model.action import UpsertJob
from reconciler.model.attempt import Attempt
from reconciler.model.identity import ExecId, JobId, Json
from reconciler.ports import Clock


class _Accepted(msgspec.Struct):
    id: str
    version: str


class _Executed(msgspec.Struct):
    exec_id: str
    version: str


class HttpJobs:
    """Implements `ports.Jobs`: the backend keeps the YAML with its comments."""

    def __init__(self, writer: BackendWriter, catalogue: NatsCatalogue) -> None:
        self._writer = writer
        self._catalogue = catalogue

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        """See `ports.Jobs`; the backend only tries to move the pin, so it is read back."""
        ask = Ask(
            method="POST",
            path="/api/jobs",
            body=yaml.encode(),
            content_type="application/yaml",
        )
        answer = await self._writer.write(ask)
        endpoint = self._writer.endpoint(ask)
        accepted = read_json(answer.data, answer.content_type, _Accepted, endpoint)
        if (accepted.id, accepted.version) != (action.job_id, action.version):
            raise KanadeUnavailable(
                f"{endpoint}: it took {accepted.id} {accepted.version} for "
                f"{action.job_id} {action.version}"
            )
        await self._catalogue.see_pin(action.job_id, action.version)

    async def delete(self, job: JobId) -> None:
        """See `ports.Jobs`."""
        if job in self._catalogue.live():
            await self._writer.write(Ask(method="DELETE", path=f"/api/jobs/{_quoted(job)}"))
            await self._catalogue.see_gone(job)

    async def unrevoke(self, job: JobId) -> None:
        """See `ports.Jobs`."""
        await self._writer.write(
            Ask(method="POST", path=f"/api/scripts/{_quoted(job)}/unrevoke", body=b"")
        )
        await self._catalogue.refresh()


class HttpRunner:
    """Implements `ports.Runner`: the backend makes the ids, and publishes without an answer."""

    def __init__(self, writer: BackendWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    @property
    def answers_within(self) -> timedelta:
        """See `ports.Runner`."""
        return WRITE_WITHIN

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        """See `ports.Runner`; *manifest* is the backend's own to read."""
        del manifest
        deadline = attempt.deadline_at.astimezone(UTC).isoformat(timespec="seconds")
        payload = {
            "target": {"pcs": [checked_host(attempt.wish.host)]},
            "deadline_at": deadline.replace("+00:00", "Z"),
        }
        return replace(attempt, payload=json.dumps(payload, separators=(",", ":")))

    async def send(self, attempt: Attempt) -> Attempt:
        """See `ports.Runner`."""
        ask = Ask(
            method="POST",
            path=f"/api/exec/{_quoted(attempt.job)}",
            body=attempt.payload.encode(),
            content_type="application/json",
        )
        answer = await self._writer.write(ask)
        endpoint = self._writer.endpoint(ask)
        executed = read_json(answer.data, answer.content_type, _Executed, endpoint)
        if executed.version != attempt.version:
            raise KanadeUnavailable(
                f"{endpoint}: it sent version {executed.version} in place of {attempt.version}"
            )
        return replace(attempt, exec_id=ExecId(executed.exec_id), sent_at=self._clock.now())


def _quoted(job: JobId) -> str:
    return quote(job, safe="")
