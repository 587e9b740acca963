"""What an agent reports of a run: that it began, or how it ended."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.identity import ExecId, HostName, JobId, RequestId, ResultId, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """`events.started`: the run that will leave the result *result_id* has begun."""

    result_id: ResultId
    request_id: RequestId
    exec_id: ExecId | None
    host: HostName
    job: JobId
    version: Version
    at: datetime
    """When EVENTS took it in: the stream's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A row of the backend's own table: an exec of a job, for any number of hosts."""

    id: ExecId
    version: Version
    at: datetime
    """When the backend has sent it, by its own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A result, its output already cut to what a person or a proof needs."""

    result_id: ResultId
    request_id: RequestId
    exec_id: ExecId | None
    host: HostName
    job: JobId
    exit_code: int
    skipped: bool
    last_line: str
    """The last non-empty line of stdout."""
    stdout_tail: str
    stderr_tail: str
    at: datetime
    """When RESULTS took it in: the stream's clock."""
