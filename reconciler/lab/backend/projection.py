"""What the backend knows of runs, in memory; it is made of messages and can be made again."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.lab import wire

REAPED_EXIT_CODE = -1
REAPED_NOTE = (
    "[backend: reaped — no ExecResult before the run's deadline; agent likely "
    "died mid-run or hit the pre-v0.43.14 kill-hang (#330)]"
)
PENDING_FOR = timedelta(hours=1)
_WITHOUT_TIMEOUT = timedelta(hours=24)


@dataclass(kw_only=True)
class ResultRow:
    """One run on one host: begun, ended, or given up."""

    result_id: str
    request_id: str
    exec_id: str | None
    pc_id: str
    started_at: str
    job_id: str | None
    version: str | None = None
    exit_code: int | None = None
    skipped: bool = False
    stdout: str = ""
    stderr: str = ""
    finished_at: str | None = None
    expires_at: datetime | None = None
    reaped: bool = False


@dataclass(kw_only=True)
class ExecutionRow:
    """One exec and the hosts that it was meant for."""

    exec_id: str
    job_id: str
    version: str
    initiated_by: str
    initiated_at: str
    target_count: int


@dataclass
class Projection:
    """All rows, by their ids."""

    results: dict[str, ResultRow] = field(default_factory=dict)
    executions: dict[str, ExecutionRow] = field(default_factory=dict)
    _by_exec: defaultdict[str, list[ResultRow]] = field(default_factory=lambda: defaultdict(list))

    def begun(self, event: wire.Document, expires_at: datetime | None) -> None:
        """Take in that a run has begun."""
        result_id = str(event["result_id"])
        if result_id in self.results:
            return
        self._add(
            ResultRow(
                result_id=result_id,
                request_id=str(event["request_id"]),
                exec_id=str(event["exec_id"]),
                pc_id=str(event["pc_id"]),
                started_at=str(event["started_at"]),
                job_id=str(event["manifest_id"]),
                version=str(event["version"]),
                expires_at=expires_at,
            )
        )

    def ended(self, result: wire.Document) -> None:
        """Take in a result; of two for one run the first counts, unless it was our own guess."""
        result_id = str(result["result_id"])
        row = self.results.get(result_id)
        if row is None:
            row = ResultRow(
                result_id=result_id,
                request_id=str(result["request_id"]),
                exec_id=_text_or_none(result.get("exec_id")),
                pc_id=str(result["pc_id"]),
                started_at=str(result["started_at"]),
                job_id=None,
            )
            self._add(row)
        elif row.finished_at is not None and not row.reaped:
            return
        row.request_id = str(result["request_id"])
        row.exit_code = int(str(result["exit_code"]))
        row.skipped = result.get("skipped") is True
        row.stdout, row.stderr = str(result["stdout"]), str(result["stderr"])
        row.finished_at = str(result["finished_at"])
        row.job_id = _text_or_none(result.get("manifest_id")) or row.job_id
        row.reaped = False

    def reap(self, now: datetime) -> None:
        """Give up the runs whose agent has not said in time how they ended."""
        for row in self.results.values():
            limit = row.expires_at or wire.instant(row.started_at) + _WITHOUT_TIMEOUT
            if row.finished_at is None and limit < now:
                row.finished_at = now.isoformat().replace("+00:00", "Z")
                row.exit_code, row.reaped = REAPED_EXIT_CODE, True
                row.stderr = f"{row.stderr}\n{REAPED_NOTE}" if row.stderr else REAPED_NOTE

    def runs_of(self, exec_id: str) -> list[ResultRow]:
        """Return the runs of one exec, the newest first."""
        return self._by_exec.get(exec_id, [])[::-1]

    def status_of(self, execution: ExecutionRow, now: datetime) -> str:
        """Return how far an exec is."""
        runs = self.runs_of(execution.exec_id)
        if sum(run.finished_at is not None for run in runs) >= execution.target_count:
            return "completed"
        if runs:
            return "running"
        old = now - wire.instant(execution.initiated_at) > PENDING_FOR
        return "expired" if old else "pending"

    def _add(self, row: ResultRow) -> None:
        self.results[row.result_id] = row
        if row.exec_id is not None:
            self._by_exec[row.exec_id].append(row)


def _text_or_none(value: wire.Json) -> str | None:
    return None if value is None else str(value)
