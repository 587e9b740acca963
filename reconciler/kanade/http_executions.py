"""What the backend has written down of its execs: the third witness of a request to send.

kanade: `GET /api/executions?job_id=` compares the job's id as it is, and lists the newest first;
a row is written after its command was published, and names no host. The hosts are with the runs
of `GET /api/executions/{exec_id}`, each from when its agent has said that it began or ended.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from reconciler.kanade.http import Ask, BackendClient
from reconciler.kanade.http_errors import read_json
from reconciler.model.identity import ExecId, HostName, JobId, RequestId, Version
from reconciler.model.report import Execution

_WITHIN = timedelta(seconds=5)
_NEWEST = 100
"""As many rows as a few minutes of any fleet's execs of one job."""


class _Row(msgspec.Struct):
    exec_id: str
    job_id: str
    version: str
    initiated_at: datetime | None = None


class _Run(msgspec.Struct):
    request_id: str
    pc_id: str


class _Detail(msgspec.Struct):
    results: list[_Run]


class HttpExecutions:
    """Implements `ports.Executions`."""

    def __init__(self, client: BackendClient) -> None:
        self._client = client

    async def of_job(self, job: JobId) -> Sequence[Execution]:
        """See `ports.Executions`."""
        query = f"job_id={quote(job, safe='')}&limit={_NEWEST}"
        ask = Ask(method="GET", path=f"/api/executions?{query}", within=_WITHIN)
        answer = await self._client.request(ask)
        rows = read_json(answer.data, answer.content_type, list[_Row], self._client.endpoint(ask))
        return [
            Execution(id=ExecId(row.exec_id), version=Version(row.version), at=row.initiated_at)
            for row in rows
            if row.job_id == job and row.initiated_at is not None
        ]

    async def runs_of(self, exec_id: ExecId) -> Mapping[HostName, RequestId]:
        """See `ports.Executions`."""
        path = f"/api/executions/{quote(exec_id, safe='')}"
        ask = Ask(method="GET", path=path, within=_WITHIN)
        answer = await self._client.request(ask)
        found = read_json(answer.data, answer.content_type, _Detail, self._client.endpoint(ask))
        return {HostName(run.pc_id): RequestId(run.request_id) for run in found.results}


class NoExecutions:
    """Implements `ports.Executions` where there is no backend."""

    async def of_job(self, job: JobId) -> Sequence[Execution]:
        """See `ports.Executions`."""
        del job
        return ()

    async def runs_of(self, exec_id: ExecId) -> Mapping[HostName, RequestId]:
        """See `ports.Executions`."""
        del exec_id
        return {}
