"""Why a host waits while its release goes on: one rule each, the first one shut is reported."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.model.attempt import Attempt, Via
from reconciler.model.desired import Release
from reconciler.model.identity import HostName, Version
from reconciler.model.observed import HostState, Presence, Slot
from reconciler.model.plan import Deferred
from reconciler.model.policy import Window
from reconciler.model.version import is_older
from reconciler.plan.by_hand import RunByHand
from reconciler.plan.gates import no_window
from reconciler.plan.terms import RECHECK_AFTER
from reconciler.plan.windows import shut_until

AGENT_TOO_OLD = "AgentTooOld"


class HostScene(Struct, frozen=True, kw_only=True):
    """What the gates of one host decide on."""

    release: Release
    host: HostName
    state: HostState
    busy: Attempt | None
    """A command of ours, of any release, that is in flight there."""
    by_hand: RunByHand | None
    """A run of a job of ours that somebody else has started there."""
    slot: Slot | None
    """What lies in its slot, unless it is a command of ours."""
    windows: tuple[Window, ...]
    """When it may be changed; probing it is free at any time."""
    lowest_agent: Version | None
    """What its agent must be at the least; `None` for what an agent of any age can do."""
    via: Via
    skew: timedelta
    """How far our clock, which dates heartbeats, may be from the server's."""
    now: datetime


def host_shut(scene: HostScene) -> Deferred | None:
    """Return why nothing can be sent to the host now, or `None` when it can.

    The agent's age comes last: where that alone is in the way, the agent may be updated, which is a
    change of the host like any other.
    """
    return (
        _presence(scene)
        or _doubled(scene)
        or _signature(scene)
        or _host_window(scene)
        or _busy(scene)
        or _by_hand(scene)
        or _slot(scene)
        or _agent(scene)
    )


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
            return _not_now(scene, "HostUnknown", message, until=scene.now + RECHECK_AFTER)


def _doubled(scene: HostScene) -> Deferred | None:
    """Two agents with one pc id: a command would run on whichever of them, or on both."""
    names = scene.state.doubled
    if not names:
        return None
    message = (
        f"two agents answer to this pc id, on {' and '.join(names)}, or one that restarts again "
        "and again: give each host an id of its own in its agent's config"
    )
    return _not_now(scene, "HostDuplicated", message, needs_person=True)


def _signature(scene: HostScene) -> Deferred | None:
    """Kanade's key for commands is the backend's own: what goes over NATS is not signed."""
    if not scene.state.signed_only or scene.via is Via.HTTP:
        return None
    message = (
        "its agent runs signed commands only, and the backend alone can sign: bring the backend "
        "back, and let `mode` be auto or backend"
    )
    return _not_now(scene, "SignatureNeeded", message, until=scene.now + RECHECK_AFTER)


def renamed(scene: HostScene, strangers: Mapping[str, HostName]) -> Deferred | None:
    """Return why an offline host may be there under another name, if one of *strangers* is it.

    These are the online hosts that the repository does not know, by their lowercase
    pc ids and the lowercase names of their systems.
    """
    for name in (scene.host, scene.state.hostname):
        other = strangers.get(name.lower()) if name is not None else None
        if other is not None:
            message = (
                f"it is offline, and {other} is online with its name: if it was renamed, name "
                f"{other} in hosts/, or set the old id in the agent's config"
            )
            return _not_now(scene, "HostRenamed", message, needs_person=True)
    return None


def _agent(scene: HostScene) -> Deferred | None:
    lowest, found = scene.lowest_agent, scene.state.agent_version
    if lowest is None:
        return None
    if found is None:
        message = f"its agent has not reported its version yet, wanted is {lowest}"
        return _not_now(scene, "AgentUnknown", message, until=scene.now + RECHECK_AFTER)
    if not is_older(Version(found), lowest):
        return None
    return _not_now(scene, AGENT_TOO_OLD, f"its agent is {found}, wanted is {lowest}")


def _host_window(scene: HostScene) -> Deferred | None:
    shut, until = shut_until(scene.windows, scene.now) if scene.windows else (False, None)
    if not shut:
        return None
    return _not_now(scene, "OutsideWindow", f"for this host {no_window(until)}", until)


def _busy(scene: HostScene) -> Deferred | None:
    if scene.busy is None:
        return None
    return _not_now(scene, "HostBusy", f"{scene.busy.job} is in flight there: one at a time")


def _by_hand(scene: HostScene) -> Deferred | None:
    if scene.by_hand is None:
        return None
    run, until = scene.by_hand
    message = f"somebody has started {run.job} {run.version} there: its result comes first"
    return _not_now(scene, "HostBusy", message, until=until)


def _slot(scene: HostScene) -> Deferred | None:
    slot = scene.slot
    if slot is None or not _undelivered(slot, scene):
        return None
    message = f"somebody's {slot.job or 'command'} waits in its slot: it would be lost"
    return _not_now(scene, "SlotBusy", message, until=scene.now + RECHECK_AFTER)


def _not_now(
    scene: HostScene,
    reason: str,
    message: str,
    until: datetime | None = None,
    *,
    needs_person: bool = False,
) -> Deferred:
    return Deferred(
        release=scene.release.name,
        host=scene.host,
        reason=reason,
        message=message,
        until=until,
        needs_person=needs_person,
    )


def _undelivered(slot: Slot, scene: HostScene) -> bool:
    """True when the slot's command may not have reached the host yet."""
    seen = scene.state.last_seen
    return seen is not None and slot.at > seen - scene.skew
