"""Why a release, or a host, has to wait: each gate is one rule, and the first one shut is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.attempt import Attempt, Via
from reconciler.model.desired import Release
from reconciler.model.identity import HostName, ReleaseName, Version
from reconciler.model.observed import BackendState, HostState, Observed, Presence, Slot
from reconciler.model.plan import Assessment, Deferred, State
from reconciler.model.version import is_older
from reconciler.plan.terms import Mode, Terms
from reconciler.plan.windows import shut_until

_LOOK_AGAIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the gates of one release look at."""

    release: Release
    observed: Observed
    hosts: tuple[Assessment, ...]
    unfinished: frozenset[ReleaseName]
    """The releases that have not converged; those this one depends on come before it."""
    in_flight: bool
    """Some command of ours, of any release, is on its way or running."""
    now: datetime
    terms: Terms


def first_shut(scene: Scene) -> Deferred | None:
    """Return the first gate that holds everything of the release, or `None` when all are open."""
    return _first(scene, (_suspension, _freeze, _route, _dependency))


def first_shut_for_changes(scene: Scene) -> Deferred | None:
    """Return the first gate that holds what changes hosts; looking at them is still free."""
    return _first(scene, (_approval, _window, _downgrade, _failures))


def way(observed: Observed, terms: Terms, *, in_flight: bool) -> Via | None:
    """Return which way writes to kanade go now; `None` when they have to wait.

    While one of our own commands is in flight a backend that is away is most likely being
    replaced by it, so nothing is written behind its back.
    """
    if terms.mode is Mode.NATS or observed.backend is BackendState.NONE:
        return Via.NATS
    if observed.backend is BackendState.UP:
        return Via.HTTP
    return Via.NATS if terms.mode is Mode.AUTO and not in_flight else None


def _first(scene: Scene, gates: tuple[Callable[[Scene], Deferred | None], ...]) -> Deferred | None:
    return next((shut for gate in gates if (shut := gate(scene)) is not None), None)


def _suspension(scene: Scene) -> Deferred | None:
    release = scene.release
    if release.suspend:
        return _held(scene, "Suspended", "`suspend: true` in the repository", needs_person=True)
    suspension = scene.observed.requests.suspensions.get(release.name)
    if suspension is None or (suspension.until is not None and suspension.until <= scene.now):
        return None
    message = f"suspended by {suspension.by}: {suspension.reason}"
    until = suspension.until
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
    return _held(scene, reason, message, until=scene.now + _LOOK_AGAIN)


def _dependency(scene: Scene) -> Deferred | None:
    waiting = sorted(scene.release.depends_on & scene.unfinished)
    if not waiting:
        return None
    return _held(scene, "DependencyNotReady", f"waits for {', '.join(waiting)} to converge")


def approvals_needed(release: Release) -> int:
    """Return how many people must agree: what the release says, or one for the job's word."""
    if release.approval is not None:
        return release.approval.required
    return 1 if release.job.require_approval else 0


def approvers_of(release: Release, observed: Observed, now: datetime) -> frozenset[str]:
    """Return the people whose word for this very fingerprint still holds."""
    expires = release.approval.expires if release.approval is not None else None
    return frozenset(
        approval.approver
        for approval in observed.requests.approvals
        if approval.release == release.name
        and approval.fingerprint == release.fingerprint
        and (expires is None or now < approval.at + expires)
    )


def _approval(scene: Scene) -> Deferred | None:
    release = scene.release
    needed = approvals_needed(release)
    given = approvers_of(release, scene.observed, scene.now)
    if len(given) >= needed:
        return None
    count = f" ({len(given)} of {needed})" if needed > 1 else ""
    message = (
        f"{release.version} waits for approval{count} of {release.fingerprint[:12]}: "
        f"reconciler approve {release.name}"
    )
    return _held(scene, "ApprovalRequired", message, needs_person=True)


def _window(scene: Scene) -> Deferred | None:
    shut, until = shut_until(scene.release.windows, scene.now)
    if not shut:
        return None
    when = f"until {until:%Y-%m-%d %H:%M} UTC" if until is not None else "for more than a year"
    return _held(scene, "OutsideWindow", f"no maintenance window is open {when}", until=until)


def _downgrade(scene: Scene) -> Deferred | None:
    release = scene.release
    if release.allow_downgrade:
        return None
    newer = [
        view
        for view in scene.hosts
        if view.running is not None and not view.drifted and is_older(release.version, view.running)
    ]
    if not newer:
        return None
    example = newer[0]
    message = (
        f"{example.host} runs {example.running}, which is newer than {release.version}: a newer "
        "backend may have migrated its database; say `allow_downgrade: true` to go back"
    )
    return _held(scene, "DowngradeRefused", message, needs_person=True)


def _failures(scene: Scene) -> Deferred | None:
    failed = [view for view in scene.hosts if view.state in (State.FAILED, State.TIMED_OUT)]
    if len(failed) <= scene.release.rollout.max_failures:
        return None
    worst = failed[0]
    message = (
        f"{len(failed)} of {len(scene.hosts)} hosts failed, first {worst.host}: {worst.reason}; "
        f"reconciler why {worst.host}"
    )
    return _held(scene, worst.reason, message, needs_person=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostScene:
    """What the gates of one host look at."""

    release: Release
    host: HostName
    state: HostState
    busy: Attempt | None
    """A command of ours, of any release, that is in flight there."""
    slot: Slot | None
    """What lies in its slot, unless it is a command of ours."""
    now: datetime


def host_shut(scene: HostScene) -> Deferred | None:
    """Return why nothing can be sent to the host now, or `None` when it can."""
    gates = (_presence, _agent, _busy, _slot)
    return next((shut for gate in gates if (shut := gate(scene)) is not None), None)


def _presence(scene: HostScene) -> Deferred | None:
    match scene.state.presence:
        case Presence.ONLINE:
            return None
        case Presence.OFFLINE:
            seen = scene.state.last_seen
            message = f"last seen {seen:%Y-%m-%d %H:%M:%S} UTC" if seen else "never seen"
            return _not_now(scene, "HostOffline", message)
        case Presence.UNKNOWN:
            message = "no heartbeat and no answer to a ping yet"
            return _not_now(scene, "HostUnknown", message, until=scene.now + _LOOK_AGAIN)


def _agent(scene: HostScene) -> Deferred | None:
    lowest, found = scene.release.requires_agent, scene.state.agent_version
    if lowest is None or (found is not None and not is_older(Version(found), lowest)):
        return None
    message = f"its agent is {found or 'unknown'}, wanted is {lowest}: roll the agent out first"
    return _not_now(scene, "AgentTooOld", message)


def _busy(scene: HostScene) -> Deferred | None:
    if scene.busy is None:
        return None
    return _not_now(scene, "HostBusy", f"{scene.busy.job} is in flight there: one at a time")


def _slot(scene: HostScene) -> Deferred | None:
    slot = scene.slot
    if slot is None or not _undelivered(slot, scene.state):
        return None
    message = f"somebody's {slot.job or 'command'} waits in its slot: it would be lost"
    return _not_now(scene, "SlotBusy", message, until=scene.now + _LOOK_AGAIN)


def _not_now(
    scene: HostScene, reason: str, message: str, until: datetime | None = None
) -> Deferred:
    return Deferred(
        release=scene.release.name, host=scene.host, reason=reason, message=message, until=until
    )


def _undelivered(slot: Slot, state: HostState) -> bool:
    """True when the slot's command may not have reached the host yet."""
    return state.last_seen is not None and slot.at > state.last_seen


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
