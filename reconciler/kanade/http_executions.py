"""What the backend has written down of execs and their results: the last witness of a command.

kanade: `GET /api/executions?job_id=` compares the job's id as it is, and lists the newest first;
a row is written after its command was published, and names no host. The hosts are with the runs
of `GET /api/executions/{exec_id}`, each from when its agent has said that it began or ended.
`GET /api/results` takes its ids as regular expressions and clips what was written; the whole of it
is with `GET /api/results/{result_id}`, also where the agent kept it apart from its result.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from reconciler.kanade.http import Ask, BackendClient
from reconciler.kanade.http_errors import read_json
from reconciler.kanade.output import last_line, tail
from reconciler.model.attempt import Attempt
from reconciler.model.identity import ExecId, HostName, JobId, RequestId, ResultId, Version
from reconciler.model.report import Execution, RunFinished

_WITHIN = timedelta(seconds=5)
_NEWEST = 100
"""As many rows as a few minutes of any fleet's execs of one job."""
_RUNS = 20
"""An exec leaves one result on a host, and one more for each time that it was sent again."""
_NARROWS_TO = timedelta(days=1)
"""What the backend looks through begins so long before the intent: no clock is that wrong."""
_REAPED = "[backend: reaped"
"""How the backend begins its note on a run whose agent has never said how it ended."""


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


class _Listed(msgspec.Struct):
    result_id: str
    request_id: str
    pc_id: str


class _Result(msgspec.Struct):
    result_id: str
    request_id: str
    exit_code: int | None
    stdout: str
    stderr: str
    finished_at: datetime | None
    skipped: bool = False


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

    async def result_of(self, attempt: Attempt) -> RunFinished | None:
        """See `ports.Executions`."""
        since = attempt.intended_at.astimezone(UTC) - _NARROWS_TO
        query = {
            "exec_id": f"^{re.escape(attempt.exec_id or '')}$",
            "pc_id": f"^{re.escape(attempt.wish.host)}$",
            "since": f"{since:%Y-%m-%dT%H:%M:%SZ}",
            "limit": str(_RUNS),
        }
        ask = Ask(method="GET", path=f"/api/results?{urlencode(query)}", within=_WITHIN)
        answer = await self._client.request(ask)
        endpoint = self._client.endpoint(ask)
        rows = read_json(answer.data, answer.content_type, list[_Listed], endpoint)
        for row in rows:
            if (row.request_id, row.pc_id) == (attempt.request_id, attempt.wish.host):
                return await self._result(row.result_id, attempt)
        return None

    async def _result(self, result_id: str, attempt: Attempt) -> RunFinished | None:
        path = f"/api/results/{quote(result_id, safe='')}"
        ask = Ask(method="GET", path=path, within=_WITHIN)
        answer = await self._client.request(ask)
        found = read_json(answer.data, answer.content_type, _Result, self._client.endpoint(ask))
        if found.exit_code is None or found.finished_at is None or _REAPED in found.stderr:
            return None
        return RunFinished(
            result_id=ResultId(found.result_id),
            request_id=RequestId(found.request_id),
            exec_id=attempt.exec_id,
            host=attempt.wish.host,
            job=attempt.job,
            exit_code=found.exit_code,
            skipped=found.skipped,
            last_line=last_line(found.stdout),
            stdout_tail=tail(found.stdout),
            stderr_tail=tail(found.stderr),
            at=found.finished_at,
        )


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

    async def result_of(self, attempt: Attempt) -> RunFinished | None:
        """See `ports.Executions`."""
        del attempt
        return None
