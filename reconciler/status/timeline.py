"""How a release has fared, from the commit that asks for it to the proof; pure, from events."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.identity import HostName
from reconciler.model.status import Change, Event, ReleaseStatus

_NAMED = 3
_APPLIED, _PROVED = "RevisionApplied", "Converged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened to a release, or the same thing to hosts of it, one by one."""

    at: datetime
    until: datetime
    """When it happened to the last of them."""
    kind: str
    message: str
    severity: str = "info"
    count: int = 1
    hosts: tuple[HostName, ...] = ()
    """The first few of them; none where it is about the release as a whole."""


def timeline(release: ReleaseStatus, events: Iterable[Event]) -> tuple[Moment, ...]:
    """Return what has happened since the commit, in the order of time.

    What one pass has published at once begins with the revision, and ends with the release itself.

    What nobody has seen happen is not in it: a controller that is new here knows no commit.
    """
    change = release.change
    own = _since(change, [event for event in events if _is_about(event, release)])
    moments = tuple(_together(sorted(own, key=_place)))
    if change is None:
        return moments
    proved = change.proved_at
    if proved is not None and not any(moment.kind == _PROVED for moment in moments):
        moments = (*moments, _moment(proved, _PROVED, "every host was proved"))
    if change.committed_at is None:
        return moments
    message = f"commit {change.revision[:12]} asks for {release.package} {release.version}"
    return (_moment(change.committed_at, "Committed", message), *moments)


def _place(event: Event) -> tuple[datetime, bool, bool]:
    return event.at, event.kind != _APPLIED, event.host is None


def _is_about(event: Event, release: ReleaseStatus) -> bool:
    if event.release is not None:
        return event.release == release.name
    asked = release.change.revision if release.change is not None else release.revision
    return event.kind == _APPLIED and event.revision == asked


def _since(change: Change | None, events: Sequence[Event]) -> Sequence[Event]:
    """Leave out what was before *change*: its revision came into force, or else its commit's time.

    A committer's clock may be ahead of ours; what came after the revision did is never lost so.
    """
    if change is None:
        return events
    for index, event in enumerate(events):
        if event.kind == _APPLIED:
            return events[index:]
    since = change.committed_at
    return events if since is None else [event for event in events if event.at >= since]


def _together(events: Iterable[Event]) -> Iterator[Moment]:
    """Yield a moment for each event, or one for what happens to several hosts in a row."""
    last: Moment | None = None
    for event in events:
        if last is not None and event.host is not None and last.hosts and last.kind == event.kind:
            named = (*last.hosts, event.host) if event.host not in last.hosts else last.hosts
            last = replace(last, until=event.at, count=last.count + 1, hosts=named[:_NAMED])
            continue
        if last is not None:
            yield last
        last = Moment(
            at=event.at,
            until=event.at,
            kind=event.kind,
            message=event.message,
            severity=event.severity,
            hosts=(event.host,) if event.host is not None else (),
        )
    if last is not None:
        yield last


def _moment(at: datetime, kind: str, message: str) -> Moment:
    return Moment(at=at, until=at, kind=kind, message=message)
