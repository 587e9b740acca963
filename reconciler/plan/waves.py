"""Which hosts may go now: a release's hosts in waves, each opened by the proof of those before.

Everything follows from facts: which hosts have been touched for this fingerprint, which are
proved, and since when by the stream's clock. So a restart in the middle changes nothing, and
losing our own state can only make a soak longer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.desired import Desired, Release, Wave
from reconciler.model.identity import HostName
from reconciler.model.observed import UNSEEN, HostState, Observed, Presence
from reconciler.model.plan import Assessment, Deferred, State, WaveState
from reconciler.model.policy import Offline, OfflineRule
from reconciler.plan.targets import carries

_ENDED_BADLY = (State.FAILED, State.TIMED_OUT)
_SKIP = Offline(rule=OfflineRule.SKIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The hosts that may be sent an install, and why the others may not."""

    hosts: frozenset[HostName]
    shut: Deferred | None
    waves: tuple[WaveState, ...]


def permit(
    release: Release,
    views: Sequence[Assessment],
    desired: Desired,
    observed: Observed,
    now: datetime,
) -> Permit:
    """Return who may go: the waves up to the first that is not done, and whoever was touched.

    A host that was touched for this fingerprint has gone already; healing it needs no turn.
    """
    by_host = {view.host: view for view in views}
    touched = {view.host for view in views if _is_touched(release, view)}
    allowed = set(touched)
    states: list[WaveState] = []
    shut: Deferred | None = None
    for wave, hosts in _split(release, views, desired, observed):
        members = [by_host[host] for host in hosts]
        state = _measure(wave, members, observed.hosts, is_open=shut is None)
        states.append(state)
        if shut is None:
            allowed.update(hosts)
            shut = _holds_the_next(release, wave, state, now)
    waits = any(not state.is_open for state in states)
    return Permit(hosts=frozenset(allowed), shut=shut if waits else None, waves=tuple(states))


def _is_touched(release: Release, view: Assessment) -> bool:
    return view.install is not None and view.install.wish.fingerprint == release.fingerprint


def _split(
    release: Release, views: Sequence[Assessment], desired: Desired, observed: Observed
) -> list[tuple[Wave, tuple[HostName, ...]]]:
    """Give each host to the first wave that selects it; touched hosts count first.

    Otherwise the order is that of a hash, so that a changed list of hosts never moves the
    canary, and no host is always the first.
    """
    ordered = sorted(views, key=lambda view: (not _is_touched(release, view), _rank(release, view)))
    left = [view.host for view in ordered]
    parts: list[tuple[Wave, tuple[HostName, ...]]] = []
    for wave in release.rollout.waves:
        taken = len(views) - len(left)
        size = _size(wave, len(views))
        if size is None:
            chosen = [host for host in left if _selects(wave, host, desired, observed)]
        else:
            chosen = left[: max(0, size - taken)]
        left = [host for host in left if host not in set(chosen)]
        parts.append((wave, tuple(chosen)))
    if left:
        parts.append((Wave(name="rest", percent=100), tuple(left)))
    return parts


def _rank(release: Release, view: Assessment) -> str:
    return hashlib.sha256(f"{release.fingerprint}/{view.host}".encode()).hexdigest()


def _size(wave: Wave, total: int) -> int | None:
    """Return up to how many of all hosts a counting wave goes; `None` for one that names hosts."""
    if wave.count is not None:
        return wave.count
    if wave.percent is not None:
        return -(-total * wave.percent // 100)
    return None


def _selects(wave: Wave, host: HostName, desired: Desired, observed: Observed) -> bool:
    known = desired.hosts.get(host)
    return (
        host in wave.hosts
        or (bool(wave.labels) and known is not None and carries(known, wave.labels))
        or bool(observed.hosts.get(host, UNSEEN).groups & wave.groups)
    )


def _measure(
    wave: Wave,
    members: Sequence[Assessment],
    hosts: Mapping[HostName, HostState],
    *,
    is_open: bool,
) -> WaveState:
    healthy = [view for view in members if view.state is State.CONVERGED]
    failed = [view for view in members if view.state in _ENDED_BADLY]
    away = [
        view
        for view in members
        if view.state not in (State.CONVERGED, *_ENDED_BADLY)
        and hosts.get(view.host, UNSEEN).presence is Presence.OFFLINE
    ]
    since = [view.healthy_since for view in healthy if view.healthy_since is not None]
    return WaveState(
        name=wave.name,
        hosts=tuple(view.host for view in members),
        healthy=len(healthy),
        failed=len(failed),
        offline=len(away),
        is_open=is_open,
        healthy_since=max(since, default=None),
        moved_at=max((_moved_at(view) for view in members), default=None),
    )


def _moved_at(view: Assessment) -> datetime:
    """Return when something last happened to a host; the beginning of time if never."""
    install = view.install
    moments = [view.healthy_since]
    if install is not None:
        ended = install.outcome.at if install.outcome is not None else None
        moments += [install.intended_at, install.started_at, ended]
    known = [moment for moment in moments if moment is not None]
    return max(known, default=_LONG_AGO)


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _holds_the_next(
    release: Release, wave: Wave, state: WaveState, now: datetime
) -> Deferred | None:
    """Return why the wave after this one may not begin, or `None` when it may."""
    if not state.hosts:
        return None
    waiting = len(state.hosts) - state.healthy - state.failed - state.offline
    if waiting > 0:
        return _unfinished(release, wave, state, now)
    if _too_many_away(wave, state):
        message = f"wave {wave.name} waits for {state.offline} offline hosts"
        return Deferred(release=release.name, reason="WaveOffline", message=message)
    if state.healthy == 0:
        message = f"no host of wave {wave.name} has been proved"
        return Deferred(release=release.name, reason="WaveNotProved", message=message)
    until = (state.healthy_since or now) + release.rollout.soak
    if now < until:
        message = f"wave {wave.name} is healthy; it soaks until {until:%H:%M:%S} UTC"
        return Deferred(release=release.name, reason="Soaking", message=message, until=until)
    return None


def _unfinished(release: Release, wave: Wave, state: WaveState, now: datetime) -> Deferred:
    message = f"wave {wave.name}: {state.healthy} of {len(state.hosts)} hosts are proved"
    limit = release.rollout.progress_deadline
    moved = state.moved_at
    if limit is None or moved is None or moved == _LONG_AGO:
        return Deferred(release=release.name, reason="WaveNotDone", message=message)
    if now < moved + limit:
        return Deferred(
            release=release.name, reason="WaveNotDone", message=message, until=moved + limit
        )
    message = f"{message}, and nothing has moved since {moved:%Y-%m-%d %H:%M:%S} UTC"
    return Deferred(
        release=release.name, reason="ProgressDeadlineExceeded", message=message, needs_person=True
    )


def _too_many_away(wave: Wave, state: WaveState) -> bool:
    rule = wave.offline or _SKIP
    if rule.rule is OfflineRule.WAIT:
        return state.offline > 0
    if rule.max_hosts is not None:
        return state.offline > rule.max_hosts
    if rule.max_percent is not None:
        return state.offline * 100 > rule.max_percent * len(state.hosts)
    return False
