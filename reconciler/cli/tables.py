"""Releases, hosts, jobs and events as rows: what `get` and `events` show of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.model.condition import Condition, ConditionType
from reconciler.model.status import Event, HostStatus, JobStatus, ReleaseStatus

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Columns(Generic[Item]):
    """A table's headers, and how an item fills them."""

    headers: Sequence[str]
    row: Callable[[Item], list[str]]


def releases(*, wide: bool) -> Columns[ReleaseStatus]:
    """Return how releases are shown."""
    headers = ["NAME", "VERSION", "READY", "HOSTS", "REASON", "MESSAGE"]
    if wide:
        headers[2:2] = ["REVISION", "FINGERPRINT"]

    def row(item: ReleaseStatus) -> list[str]:
        ready = _condition(item, ConditionType.READY)
        proved, total = item.counts.get("converged", 0), sum(item.counts.values())
        return [
            item.name,
            item.version,
            *([item.revision[:12], item.fingerprint[:12]] if wide else []),
            str(ready.status) if ready else "Unknown",
            f"{proved}/{total}",
            ready.reason if ready else "",
            ready.message if ready else "",
        ]

    return Columns(headers, row)


def hosts(*, wide: bool) -> Columns[HostStatus]:
    """Return how hosts are shown."""
    headers = ["HOST", "RELEASE", "STATE", "RUNS", "WANTED", "EXIT", "MESSAGE"]
    if wide:
        headers[6:6] = ["SHA256", "EXEC_ID", "LAST_LINE"]

    def row(item: HostStatus) -> list[str]:
        return [
            item.host,
            item.release,
            item.state,
            item.running or "",
            item.wanted,
            "" if item.exit_code is None else str(item.exit_code),
            *([(item.sha256 or "")[:12], item.exec_id or "", item.last_line] if wide else []),
            f"{item.reason}: {item.message}" + (f"; fix: {item.fix}" if item.fix else ""),
        ]

    return Columns(headers, row)


def jobs(*, wide: bool) -> Columns[JobStatus]:
    """Return how jobs are shown."""
    headers = ["JOB", "RELEASE", "WANTED", "REGISTERED", "REASON", "MESSAGE"]
    if wide:
        headers[4:4] = ["SCRIPT"]

    def row(item: JobStatus) -> list[str]:
        return [
            item.id,
            item.release or "",
            item.version,
            item.registered or "",
            *([item.script] if wide else []),
            item.reason,
            item.message,
        ]

    return Columns(headers, row)


def events(*, wide: bool) -> Columns[Event]:
    """Return how events are shown."""
    headers = ["TIME", "SEVERITY", "REASON", "OBJECT", "MESSAGE"]
    if wide:
        headers[4:4] = ["REVISION"]

    def row(item: Event) -> list[str]:
        return [
            f"{item.at:%Y-%m-%d %H:%M:%S}",
            item.severity,
            item.kind,
            "/".join(part for part in (item.release, item.host) if part),
            *([(item.revision or "")[:12]] if wide else []),
            item.message,
        ]

    return Columns(headers, row)


def _condition(status: ReleaseStatus, kind: ConditionType) -> Condition | None:
    return next((item for item in status.conditions if item.type is kind), None)
