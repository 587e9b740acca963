"""Why a release has to wait: each gate is one rule, and the first one shut is reported."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.desired import Release
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.plan import ENDED_BADLY, Assessment, Deferred
from reconciler.model.version import is_older
from reconciler.plan.approval import override_of, unapproved
from reconciler.plan.route import way
from reconciler.plan.terms import RECHECK_AFTER, Terms
from reconciler.plan.windows import shut_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the gates of one release decide on."""

    release: Release
    observed: Observed
    hosts: tuple[Assessment, ...]
    unfinished: frozenset[ReleaseName]
    """The releases that have not converged; those this one depends on come before it."""
    goes_back: bool
    """The release is a kept record: it was let through once, and every minute counts."""
    in_flight: bool
    """Some command of ours, of any release, is on its way or running."""
    now: datetime
    terms: Terms


def first_shut(scene: Scene) -> Deferred | None:
    """Return the first gate that holds everything of the release, or `None` when all are open."""
    return _first(scene, (_suspension, _freeze, _route, _dependency))


def first_shut_for_changes(scene: Scene) -> Deferred | None:
    """Return the first gate that holds what changes hosts; probing them is still free.

    None of these holds a way back: not even that another host has failed on it.
    """
    if scene.goes_back:
        return None
    return _first(scene, (_approval, _window, _downgrade, _failures))


def _first(scene: Scene, gates: tuple[Callable[[Scene], Deferred | None], ...]) -> Deferred | None:
    return next((shut for gate in gates if (shut := gate(scene)) is not None), None)


def is_suspended(release: Release, observed: Observed, now: datetime) -> bool:
    """True while the repository, or a person, wants *release* to stand still."""
    suspension = observed.requests.suspensions.get(release.name)
    return release.suspend or (suspension is not None and suspension.holds(now))


def _suspension(scene: Scene) -> Deferred | None:
    release = scene.release
    suspension = scene.observed.requests.suspensions.get(release.name)
    if not is_suspended(release, scene.observed, scene.now):
        return None
    if release.suspend or suspension is None:
        return _held(scene, "Suspended", "`suspend: true` in the repository", needs_person=True)
    until = suspension.until
    when = f" until {until:%Y-%m-%d %H:%M} UTC" if until is not None else ""
    message = f"suspended by {suspension.by}{when}: {suspension.reason}"
    return _held(scene, "Suspended", message, until=until, needs_person=until is None)


def _freeze(scene: Scene) -> Deferred | None:
    freeze = scene.observed.freeze
    if not freeze.frozen:
        return None
    message = f"kanade is frozen: {freeze.reason or 'no reason given'}"
    return _held(scene, "Frozen", message, until=freeze.until)


def _route(scene: Scene) -> Deferred | None:
    if way(scene.observed, scene.terms, in_flight=scene.in_flight) is not None:
        return None
    reason = "BackendUpdating" if scene.in_flight else "BackendUnavailable"
    message = "the kanade backend does not answer; results still come over NATS"
    return _held(scene, reason, message, until=scene.now + RECHECK_AFTER)


def _dependency(scene: Scene) -> Deferred | None:
    waiting = sorted(scene.release.depends_on & scene.unfinished)
    if not waiting:
        return None
    return _held(scene, "DependencyNotReady", f"waits for {', '.join(waiting)} to converge")


def _approval(scene: Scene) -> Deferred | None:
    return unapproved(scene.release, scene.observed, scene.hosts, scene.now)


def _window(scene: Scene) -> Deferred | None:
    shut, until = shut_until(scene.release.windows, scene.now)
    if not shut or override_of(scene.release, scene.observed, scene.now):
        return None
    return _held(scene, "OutsideWindow", no_window(until), until=until)


def no_window(until: datetime | None) -> str:
    """Return the message that no window is open, and for how long."""
    when = f"until {until:%Y-%m-%d %H:%M} UTC" if until is not None else "for more than a year"
    return f"no maintenance window is open {when}"


def _downgrade(scene: Scene) -> Deferred | None:
    release = scene.release
    if release.allow_downgrade:
        return None
    failed = {
        item.version
        for (name, _), item in scene.observed.quarantine.items()
        if name == release.name
    }
    newer = [
        view
        for view in scene.hosts
        if view.running is not None
        and view.running not in failed
        and not view.drifted
        and is_older(release.version, view.running)
    ]
    if not newer:
        return None
    example = newer[0]
    message = (
        f"{example.host} runs {example.running}, which is newer than {release.version}: a newer "
        "backend may have migrated its database; set `allow_downgrade: true` to go back"
    )
    return _held(scene, "DowngradeRefused", message, needs_person=True)


def failed_hosts(views: Iterable[Assessment]) -> list[Assessment]:
    """Return the hosts on which the release has ended badly."""
    return [view for view in views if view.state in ENDED_BADLY]


def too_many_failed(release: Release, views: Iterable[Assessment], total: int) -> bool:
    """True when more hosts have failed than *release* may lose, of *total* that it is for."""
    return may_not_lose(release, len(failed_hosts(views)), total)


def may_not_lose(release: Release, count: int, total: int) -> bool:
    """True when *count* hosts are more than *release* may lose, of *total* that it is for."""
    rollout = release.rollout
    if rollout.max_failures_percent is not None:
        return count * 100 > rollout.max_failures_percent * total
    return count > rollout.max_failures


def _failures(scene: Scene) -> Deferred | None:
    if not too_many_failed(scene.release, scene.hosts, len(scene.hosts)):
        return None
    failed = failed_hosts(scene.hosts)
    worst = failed[0]
    message = (
        f"{len(failed)} of {len(scene.hosts)} hosts failed, first {worst.host}: {worst.reason}; "
        f"reconciler why {worst.host}"
    )
    return _held(scene, worst.reason, message, needs_person=True)


def _held(
    scene: Scene,
    reason: str,
    message: str,
    *,
    until: datetime | None = None,
    needs_person: bool = False,
) -> Deferred:
    return Deferred(
        release=scene.release.name,
        reason=reason,
        message=message,
        until=until,
        needs_person=needs_person,
    )
