"""What changed between two statuses: one event a transition, none for a pass; pure."""

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.plan import State
from reconciler.model.status import Event, HostStatus, ReleaseStatus, Status


def transitions(before: Status, after: Status, now: datetime) -> tuple[Event, ...]:
    """Return the events between two statuses, in a fixed order: controller, releases, hosts."""
    return (
        *_revision(before, after, now),
        *_sources(before, after, now),
        *_releases(before, after, now),
        *_hosts(before, after, now),
    )


def _revision(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    found = after.controller
    if found.revision is not None and found.revision != before.controller.revision:
        message = f"revision {found.revision[:12]} is in force: {found.subject}"
        yield Event(at=now, kind="RevisionApplied", message=message, revision=found.revision)


def _sources(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    old = {condition.type: condition for condition in before.controller.conditions}
    for condition in after.controller.conditions:
        if _changed(old.get(condition.type), condition):
            yield _event(condition, now, release=None)


def _releases(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    for name, status in sorted(after.releases.items()):
        earlier = before.releases.get(name)
        old = {condition.type: condition for condition in earlier.conditions} if earlier else {}
        for condition in status.conditions:
            if _is_news(old.get(condition.type), condition):
                yield _event(condition, now, release=status)


def _is_news(old: Condition | None, new: Condition) -> bool:
    """A condition that says for the first time that nothing is wrong is no news."""
    if new.type is ConditionType.RECONCILING:
        return False
    if old is None and new.type is not ConditionType.READY:
        return new.status is Truth.TRUE
    return _changed(old, new)


def _changed(old: Condition | None, new: Condition) -> bool:
    return old is None or (old.status, old.reason) != (new.status, new.reason)


def _event(condition: Condition, now: datetime, release: ReleaseStatus | None) -> Event:
    bad = (condition.status is Truth.TRUE) == (condition.type in _BAD_WHEN_TRUE)
    watched = (*_BAD_WHEN_TRUE, ConditionType.SOURCE_READY, ConditionType.KANADE_READY)
    troubled = bad and condition.type in watched
    return Event(
        at=now,
        kind=condition.reason,
        message=f"{condition.type}={condition.status}: {condition.message}",
        release=release.name if release is not None else None,
        revision=condition.revision,
        severity="error" if troubled else "info",
    )


_BAD_WHEN_TRUE = (ConditionType.STALLED, ConditionType.DRIFT_DETECTED)


def _hosts(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    for key, status in sorted(after.hosts.items()):
        old = before.hosts.get(key)
        if old is None or (old.state, old.reason, old.wanted) != (
            status.state,
            status.reason,
            status.wanted,
        ):
            yield _host_event(key, status, now, after)


def _host_event(
    key: tuple[ReleaseName, HostName], status: HostStatus, now: datetime, after: Status
) -> Event:
    release, host = key
    failed = status.state in (State.FAILED, State.TIMED_OUT)
    return Event(
        at=now,
        kind=f"Host{status.state.title().replace('-', '')}",
        message=f"{status.reason}: {status.message}",
        release=release,
        host=host,
        revision=after.controller.revision,
        severity="error" if failed else "info",
    )
