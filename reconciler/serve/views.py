"""What is shown, to people and machines alike; pure, from the status and the events."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from itertools import islice

from msgspec import UNSET

from reconciler.desired.wording import did_you_mean, printable
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName
from reconciler.model.plan import ENDED_BADLY
from reconciler.model.status import (
    ControllerStatus,
    Held,
    HostStatus,
    JobStatus,
    ReleaseStatus,
    Status,
)
from reconciler.serve.asked import EventsAsked, HostsAsked
from reconciler.serve.refusal import Refusal
from reconciler.state.chronicle import Entry
from reconciler.status.timeline import Moment, timeline
from reconciler.status.why import Chain, chains_of

_MOST_MOMENTS = 300


class Urgency(IntEnum):
    """How urgently a release needs a person, the most urgent first."""

    NEEDS_PERSON = 0
    FAILING = 1
    PROGRESSING = 2
    READY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """All releases, the most urgent first."""

    items: Sequence[ReleaseStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """All jobs of the repository."""

    items: Sequence[JobStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """A part of the hosts that were asked for, one entry a host and release."""

    items: Sequence[HostStatus]
    total: int
    """How many there are."""
    offset: int
    limit: int
    counts: Mapping[str, int]
    """How many are in which state, whichever state was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A part of the events that were asked for, the newest first."""

    items: Sequence[Entry]
    older: int | None
    """What to ask for as `before` to see older ones; `None` when these are the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What has happened to a release since its commit, the oldest first."""

    release: ReleaseStatus
    items: Sequence[Moment]
    left_out: int
    """How many are left out after the first, because they are too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveView:
    """A wave: how far it has come, what runs there, and what keeps it shut."""

    name: str
    is_open: bool
    hosts: int
    states: Mapping[str, int]
    versions: Mapping[str, int]
    """How many run which version; empty for those of which nobody knows it."""
    held: Held | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """A release's waves, in the order in which they open."""

    items: Sequence[WaveView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a host is as it is, for each release that wants something of it."""

    host: str
    items: Sequence[Chain]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """The controller, and how much it manages."""

    controller: ControllerStatus
    releases: int
    hosts: int
    jobs: int


def controller(status: Status) -> Controller:
    """Return what is shown of the controller itself."""
    return Controller(
        controller=status.controller,
        releases=len(status.releases),
        hosts=len({host for _, host in status.hosts}),
        jobs=len(status.jobs),
    )


def releases(status: Status) -> Releases:
    """Return all releases, those that need a person first, and among equals by name."""
    found = sorted(status.releases.values(), key=lambda item: (urgency(item), item.name))
    return Releases(items=found)


def urgency(release: ReleaseStatus) -> Urgency:
    """Return how urgently *release* needs a person."""
    so = {condition.type for condition in release.conditions if condition.status is Truth.TRUE}
    if ConditionType.STALLED in so or any(item.needs_person for item in release.held):
        return Urgency.NEEDS_PERSON
    has_failed = any(release.counts.get(state) for state in ENDED_BADLY)
    if has_failed or ConditionType.DRIFT_DETECTED in so:
        return Urgency.FAILING
    return Urgency.READY if ConditionType.READY in so else Urgency.PROGRESSING


def waits_for_approval(release: ReleaseStatus) -> bool:
    """Return whether a person's approval would change anything."""
    return any(
        condition.type is ConditionType.APPROVED and condition.status is Truth.FALSE
        for condition in release.conditions
    )


def jobs(status: Status) -> Jobs:
    """Return all jobs, by name."""
    return Jobs(items=[item for _, item in sorted(status.jobs.items())])


def why(status: Status, name: str) -> Why:
    """Return why the host *name* is as it is.

    Raises:
        Refusal: no release wants anything of such a host.
    """
    chains = chains_of(status, HostName(name))
    if not chains:
        hint = did_you_mean(name, {host for _, host in status.hosts})
        raise Refusal(HTTPStatus.NOT_FOUND, f"no host {printable(name)} is known{hint}")
    return Why(host=name, items=chains)


def story(release: ReleaseStatus, entries: Iterable[Entry]) -> Timeline:
    """Return what has happened to *release*."""
    items = timeline(release, (entry.event for entry in entries))
    left_out = max(0, len(items) - _MOST_MOMENTS)
    shown = (*items[:1], *items[1 + left_out :])
    return Timeline(release=release, items=shown, left_out=left_out)


def hosts(status: Status, asked: HostsAsked) -> Hosts:
    """Return the hosts that *asked* means, those that failed first, then by name."""
    part = asked.q.casefold()
    found = [
        host
        for host in status.hosts.values()
        if part in host.host.casefold()
        and asked.release in (UNSET, host.release)
        and asked.wave in (UNSET, host.wave)
    ]
    shown = [host for host in found if asked.state in (UNSET, host.state)]
    shown.sort(key=lambda host: (host.state not in ENDED_BADLY, host.host, host.release))
    return Hosts(
        items=shown[asked.offset : asked.offset + asked.limit],
        total=len(shown),
        offset=asked.offset,
        limit=asked.limit,
        counts=_counted(host.state for host in found),
    )


def events(entries: Sequence[Entry], asked: EventsAsked) -> Events:
    """Return the events that *asked* means."""
    shown = list(islice(_meant(reversed(entries), asked), asked.limit + 1))
    more = len(shown) > asked.limit
    items = shown[: asked.limit]
    return Events(items=items, older=items[-1].sequence if more else None)


def _meant(entries: Iterable[Entry], asked: EventsAsked) -> Iterator[Entry]:
    for entry in entries:
        if (
            entry.sequence < asked.before
            and asked.release in (UNSET, entry.event.release)
            and asked.host in (UNSET, entry.event.host)
            and asked.severity in (UNSET, entry.event.severity)
        ):
            yield entry


def waves(status: Status, release: ReleaseStatus) -> Waves:
    """Return the waves of *release*; one without a name has the hosts that are in none."""
    members: dict[str, list[HostStatus]] = {wave.name: [] for wave in release.waves}
    for host in status.hosts.values():
        if host.release == release.name:
            members.setdefault(host.wave, []).append(host)
    shut = {wave.name for wave in release.waves if not wave.is_open}
    gate = release.held[0] if release.held else None
    return Waves(
        items=[
            _wave(name, hosts, gate if name in shut else None, is_open=name not in shut)
            for name, hosts in members.items()
        ]
    )


def _wave(name: str, hosts: Sequence[HostStatus], gate: Held | None, *, is_open: bool) -> WaveView:
    held = Counter(host.held for host in hosts if host.held is not None).most_common(1)
    return WaveView(
        name=name,
        is_open=is_open,
        hosts=len(hosts),
        states=_counted(host.state for host in hosts),
        versions=_counted(host.running or "" for host in hosts),
        held=held[0][0] if held else gate,
    )


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(names).items()))
