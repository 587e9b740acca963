"""What would happen when: a release's waves, what holds each, and how long past runs have taken."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from reconciler.model.attempt import Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.observed import UNSEEN, Observed, Presence
from reconciler.model.plan import ENDED_BADLY, Assessment, Deferred, Plan, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One wave of what is still to come."""

    wave: str
    hosts: int
    """Those that have yet to be installed, away or not."""
    offline: int
    begins: timedelta | None
    """How long from now, at the least; `None` where that is unknown."""
    lasts: timedelta | None
    """How long its installs take, by past ones; `None` where there are none."""
    soaks: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is to come of one release, if nothing fails and nobody intervenes."""

    release: ReleaseName
    held_by: tuple[str, ...]
    """What has to pass first, each as a sentence."""
    stages: tuple[Stage, ...]
    sample: int
    """How many past installs the times come from."""
    ends: timedelta | None
    """How long from now until the last install is done."""


def forecast(plan: Plan, desired: Desired, observed: Observed, now: datetime) -> list[Forecast]:
    """Return the forecast of every release that has hosts to install."""
    return [
        _of(release, plan, observed, now)
        for release in desired.releases
        if any(_is_to_come(view) for view in plan.hosts.get(release.name, ()))
    ]


def _of(release: Release, plan: Plan, observed: Observed, now: datetime) -> Forecast:
    past = list(_durations(release, observed))
    typical = timedelta(seconds=median(item.total_seconds() for item in past)) if past else None
    held = [item for item in plan.deferred if item.release == release.name and item.host is None]
    own = OF_THE_ROLLOUT | (_OF_THE_WAY_BACK if plan.waves.get(release.name) else frozenset())
    gates = [item for item in held if item.reason not in own]
    begins = _opens_in(gates, now)
    scene = _Scene(release, plan, observed, now)
    stages = tuple(_stages(scene, begins, typical))
    last = stages[-1] if stages else None
    ends = None
    if last is not None and last.begins is not None and last.lasts is not None:
        ends = last.begins + last.lasts
    return Forecast(
        release=release.name,
        held_by=tuple(f"{item.reason}: {item.message}" for item in gates),
        stages=stages,
        sample=len(past),
        ends=ends,
    )


OF_THE_ROLLOUT = frozenset(
    {"MaxInFlight", "WaveNotDone", "WaveNotProved", "WaveOffline", "Soaking"}
)
"""What the stages themselves show."""
_OF_THE_WAY_BACK = frozenset({"Quarantined", "RolledBack"})
"""Why hosts go back: that holds git's version, and not hosts that have one to go back to."""


def _opens_in(gates: Iterable[Deferred], now: datetime) -> timedelta | None:
    """Return how long the last gate stays shut; `None` when unknown, as when a person decides."""
    opens = timedelta(0)
    for gate in gates:
        if gate.until is None:
            return None
        opens = max(opens, gate.until - now)
    return opens


class _Scene(NamedTuple):
    release: Release
    plan: Plan
    observed: Observed
    now: datetime


def _stages(scene: _Scene, begins: timedelta | None, typical: timedelta | None) -> Iterator[Stage]:
    release, plan, observed, now = scene
    views = {view.host: view for view in plan.hosts.get(release.name, ())}
    goes_back = _goes_back(scene)
    rollout = release.rollout
    soak = timedelta(0) if goes_back else rollout.soak
    at_a_time = (goes_back and rollout.rollback_max_in_flight) or rollout.max_in_flight
    for wave in plan.waves.get(release.name, ()):
        waiting = [host for host in wave.hosts if _is_to_come(views[host])]
        away = sum(
            observed.hosts.get(host, UNSEEN).presence is not Presence.ONLINE for host in waiting
        )
        if not waiting:
            if wave.healthy_since is not None and begins is not None:
                begins = max(begins, wave.healthy_since + soak - now)
            continue
        begins = _later(begins, _open_in(scene, waiting))
        rounds = -(-(len(waiting) - away) // at_a_time)
        lasts = rounds * typical if typical is not None else None
        yield Stage(
            wave=wave.name,
            hosts=len(waiting),
            offline=away,
            begins=begins,
            lasts=lasts,
            soaks=soak,
        )
        begins = begins + lasts + soak if begins is not None and lasts is not None else None


def _goes_back(scene: _Scene) -> bool:
    return any(
        item.release == scene.release.name and item.reason in _OF_THE_WAY_BACK
        for item in scene.plan.deferred
    )


def _open_in(scene: _Scene, hosts: Iterable[HostName]) -> timedelta | None:
    """Return how long all of *hosts* that are online are shut by windows of their own."""
    shut = {
        item.host: item
        for item in scene.plan.deferred
        if item.release == scene.release.name and item.reason == "OutsideWindow"
    }
    there = [
        host for host in hosts if scene.observed.hosts.get(host, UNSEEN).presence is Presence.ONLINE
    ]
    if not there or not all(host in shut for host in there):
        return timedelta(0)
    waits = [_opens_in([shut[host]], scene.now) for host in there]
    return min((wait for wait in waits if wait is not None), default=None)


def _later(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return max(one, other) if one is not None and other is not None else None


def _is_to_come(view: Assessment) -> bool:
    return view.state not in (State.CONVERGED, *ENDED_BADLY)


def _durations(release: Release, observed: Observed) -> Iterator[timedelta]:
    """Yield how long the last install of each host took, from the send to its result."""
    for (name, _, purpose), attempt in observed.attempts.items():
        outcome = attempt.outcome
        if name != release.name or purpose is not Purpose.INSTALL or outcome is None:
            continue
        if outcome.succeeded and attempt.sent_at is not None:
            yield max(outcome.at - attempt.sent_at, timedelta(0))
