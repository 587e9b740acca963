"""Which hosts may go now: a release's hosts in waves, each opened by the proof of those before.

Everything follows from facts: which hosts have been touched for this fingerprint, which are
proved, and since when by the stream's clock. So a restart in the middle changes nothing, and
losing our own state can only make a soak longer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.desired import Desired, Release, Wave
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName
from reconciler.model.observed import UNSEEN, HostState, Observed, Presence
from reconciler.model.plan import ENDED_BADLY, Assessment, Deferred, State, WaveState
from reconciler.model.policy import Offline, OfflineRule
from reconciler.plan.gates import failed_hosts, may_not_lose
from reconciler.plan.targets import carries

_SKIP = Offline(rule=OfflineRule.SKIP)
_NOT_PROVED = "WaveNotProved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The hosts that may be sent an install, and why the others may not."""

    hosts: frozenset[HostName]
    waves: tuple[WaveState, ...]
    shut: Deferred | None
    """Why the last open wave is not done; `None` when every wave is."""
    waits: bool
    """Hosts of later waves have yet to be proved."""
    lost: frozenset[HostName]
    """The failed hosts of a wave that has ended with none proved, where nothing went beyond it."""
    done: bool
    """Every wave has ended by its own rule for absent hosts, without a failure, and some host is
    proved."""


def permit(
    release: Release,
    views: Sequence[Assessment],
    desired: Desired,
    observed: Observed,
    now: datetime,
) -> Permit:
    """Return who may go: the waves up to the first that is not done, and touched hosts.

    A host that was touched for this fingerprint has gone already; healing it needs no turn.
    """
    by_host = {view.host: view for view in views}
    touched = {view.host for view in views if is_touched(release, view)}
    allowed = set(touched)
    states: list[WaveState] = []
    shut: Deferred | None = None
    are_over = True
    for wave, hosts in _split(release, touched, views, desired, observed):
        members = [by_host[host] for host in hosts]
        state = _measure(release, wave, members, observed.hosts, is_open=shut is None)
        states.append(state)
        waits = _waits(release, wave, state)
        are_over = are_over and waits is None and not state.failed
        if shut is None:
            allowed.update(hosts)
            shut = waits or _holds_the_next(release, wave, state, now)
    later = {host for state in states if not state.is_open for host in state.hosts}
    failed = {view.host for view in failed_hosts(views)}
    is_lost = shut is not None and shut.reason == _NOT_PROVED and not later & touched
    lost = failed - later if is_lost else frozenset[HostName]()
    unwell = _unwell(release, views, observed)
    if unwell is not None:
        allowed, shut, later = touched, unwell, by_host.keys() - touched
    return Permit(
        hosts=frozenset(allowed),
        waves=tuple(states),
        shut=shut,
        waits=any(by_host[host].state is not State.CONVERGED for host in later),
        lost=frozenset(lost),
        done=are_over and any(state.healthy for state in states),
    )


def is_touched(release: Release, view: Assessment) -> bool:
    """True when the host was sent an install for the very fingerprint that is wanted."""
    return view.install is not None and view.install.wish.fingerprint == release.fingerprint


def _unwell(release: Release, views: Sequence[Assessment], observed: Observed) -> Deferred | None:
    """Return why nobody else goes: services that turned bad after their soak, however long ago.

    Nothing is undone for those, as by then it may have any cause. One that is switched off is not
    held against its version. After a restart of ours a service may be bad until it has answered.
    """
    seen = [
        view
        for view in views
        if view.state is State.CONVERGED
        and is_touched(release, view)
        and observed.hosts.get(view.host, UNSEEN).presence is not Presence.OFFLINE
    ]
    bad = [view for view in seen if view.unhealthy]
    unknown = [view for view in seen if _is_to_be_asked(release, view, observed)]
    failed = len(failed_hosts(views))
    if bad and may_not_lose(release, len(bad) + failed, len(views)):
        first = bad[0]
        message = (
            f"{len(bad)} of {len(views)} hosts run {release.version} and are not well, "
            f"first {first.host}: {first.unhealthy}; "
            f"no other host is sent it; reconciler why {first.host}"
        )
        return Deferred(
            release=release.name, reason=FailureClass.UNHEALTHY, message=message, needs_person=True
        )
    if unknown and may_not_lose(release, len(unknown) + len(bad) + failed, len(views)):
        message = (
            f"{len(unknown)} of {len(views)} hosts run {release.version}, and their services have "
            f"not been asked yet whether they are well, first {unknown[0].host}"
        )
        return Deferred(release=release.name, reason="HealthUnknown", message=message)
    return None


def _is_to_be_asked(release: Release, view: Assessment, observed: Observed) -> bool:
    return release.verify.http is not None and (release.name, view.host) not in observed.health


def _split(
    release: Release,
    touched: AbstractSet[HostName],
    views: Sequence[Assessment],
    desired: Desired,
    observed: Observed,
) -> list[tuple[Wave, tuple[HostName, ...]]]:
    """Give each host to the first wave that selects it; touched hosts count first.

    Otherwise the order is that of a hash, so that a changed list of hosts never moves the
    canary, and no host is always the first.
    """
    left = [view.host for view in views]
    left.sort(key=lambda host: (host not in touched, _rank(release, host)))
    parts: list[tuple[Wave, tuple[HostName, ...]]] = []
    for wave in release.rollout.waves:
        taken = len(views) - len(left)
        size = _size(wave, len(views))
        if size is None:
            chosen = [host for host in left if _selects(wave, host, desired, observed)]
        else:
            chosen = left[: max(0, size - taken)]
        gone = frozenset(chosen)
        left = [host for host in left if host not in gone]
        parts.append((wave, tuple(chosen)))
    if left:
        parts.append((Wave(name="rest", percent=100), tuple(left)))
    return parts


def _rank(release: Release, host: HostName) -> bytes:
    return hashlib.sha256(f"{release.fingerprint}/{host}".encode()).digest()


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
    release: Release,
    wave: Wave,
    members: Sequence[Assessment],
    hosts: Mapping[HostName, HostState],
    *,
    is_open: bool,
) -> WaveState:
    there = [view for view in members if not is_away(release, view, hosts)]
    healthy = [view for view in there if view.state is State.CONVERGED]
    failed = [view for view in there if view.state in ENDED_BADLY]
    since = [view.healthy_since for view in healthy if view.healthy_since is not None]
    return WaveState(
        name=wave.name,
        hosts=tuple(view.host for view in members),
        healthy=len(healthy),
        failed=len(failed),
        offline=len(members) - len(there),
        is_open=is_open,
        healthy_since=max(since, default=None),
        unconfirmed=sum(not has_soaked(release, view) for view in healthy),
    )


def is_away(release: Release, view: Assessment, hosts: Mapping[HostName, HostState]) -> bool:
    """True when the host is not there, and neither has failed nor was healthy for its soak."""
    if hosts.get(view.host, UNSEEN).presence is not Presence.OFFLINE:
        return False
    if view.state is State.CONVERGED:
        return not has_soaked(release, view)
    return view.state not in ENDED_BADLY


def has_soaked(release: Release, view: Assessment) -> bool:
    """True when a host was seen healthy at the end of its soak, not only at its beginning."""
    if release.verify.probe is None or not is_touched(release, view):
        return True
    since, seen = view.healthy_since, view.proved_at
    return since is not None and seen is not None and seen >= since + release.rollout.soak


def _holds_the_next(
    release: Release, wave: Wave, state: WaveState, now: datetime
) -> Deferred | None:
    """Return why the wave after this one may not begin, or `None` when it may."""
    if not state.hosts:
        return None
    if state.healthy == 0:
        return _not_proved(release, wave, state)
    return _soaking(release, wave, state, now)


def _waits(release: Release, wave: Wave, state: WaveState) -> Deferred | None:
    """Return which hosts have yet to come to an end, if the wave waits for them."""
    if state.waiting:
        message = f"wave {wave.name}: {state.healthy} of {len(state.hosts)} hosts are proved"
        return Deferred(release=release.name, reason="WaveNotDone", message=message)
    if _too_many_away(wave, state):
        message = f"wave {wave.name} waits for {state.offline} offline hosts"
        return Deferred(release=release.name, reason="WaveOffline", message=message)
    return None


def _not_proved(release: Release, wave: Wave, state: WaveState) -> Deferred:
    """Hosts that are away may come back; where some have failed, only a person can go on."""
    message = f"no host of wave {wave.name} has been proved"
    if state.failed:
        message += f", and {state.failed} failed: no later wave begins"
    return Deferred(
        release=release.name,
        reason=_NOT_PROVED,
        message=message,
        needs_person=state.failed > 0,
    )


def _soaking(release: Release, wave: Wave, state: WaveState, now: datetime) -> Deferred | None:
    until = (state.healthy_since or now) + release.rollout.soak
    if now < until:
        message = f"wave {wave.name} is healthy; it soaks until {until:%H:%M:%S} UTC"
        return Deferred(release=release.name, reason="Soaking", message=message, until=until)
    if state.unconfirmed:
        message = f"wave {wave.name} has soaked; {state.unconfirmed} hosts are probed again"
        return Deferred(release=release.name, reason="Soaking", message=message)
    return None


def _too_many_away(wave: Wave, state: WaveState) -> bool:
    rule = wave.offline or _SKIP
    if rule.rule is OfflineRule.WAIT:
        return state.offline > 0
    if rule.max_hosts is not None:
        return state.offline > rule.max_hosts
    if rule.max_percent is not None:
        return state.offline * 100 > rule.max_percent * len(state.hosts)
    return False
