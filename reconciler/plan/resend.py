"""Commands that have been lost on their way, and go out again."""

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.action import ResendCommand
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName
from reconciler.model.observed import Observed, Presence, Slot
from reconciler.model.plan import Deferred, Step
from reconciler.plan.approval import override_of
from reconciler.plan.courses import quarantine_in_force
from reconciler.plan.gates import is_suspended
from reconciler.plan.terms import RECHECK_AFTER, Terms
from reconciler.plan.windows import shut_until


def resends(
    desired: Desired,
    observed: Observed,
    busy: Mapping[HostName, Attempt],
    now: datetime,
    terms: Terms,
) -> tuple[list[Step], list[Deferred]]:
    """Send again what a crash, or somebody's later command in the same slot, has kept back.

    The same bytes under the same id run once, so this is safe; over HTTP there is no such id,
    and doubt is settled by other means. What would not be sent today lapses instead, and what
    would take another's command from a slot before its host has heard of that one waits.
    """
    releases = {release.name: release for release in desired.releases}
    ours = frozenset(str(it.request_id or it.wish_id) for it in observed.attempts.values())
    found = [
        _by_its_slot(attempt, observed, ours, now, terms)
        for _, attempt in sorted(busy.items())
        if _may_be_lost(attempt, observed)
        and not _is_held(attempt, releases.get(attempt.wish.release), desired, observed, now)
    ]
    steps = [item for item in found if isinstance(item, Step)]
    return steps, [item for item in found if isinstance(item, Deferred)]


def _may_be_lost(attempt: Attempt, observed: Observed) -> bool:
    state = observed.hosts.get(attempt.wish.host)
    is_there = state is not None and state.presence is Presence.ONLINE
    return is_there and attempt.via is Via.NATS and attempt.started_at is None


def _by_its_slot(
    attempt: Attempt, observed: Observed, ours: frozenset[str], now: datetime, terms: Terms
) -> Step | Deferred | None:
    """Return whether it has to go out; what is *ours* in the slot is in nobody's way."""
    host = attempt.wish.host
    state, slot = observed.hosts[host], observed.slots.get(host)
    if slot is None or slot.request_id in ours or state.last_seen is None:
        return _again(attempt, slot) if attempt.sent_at is None else None
    if slot.at < state.last_seen - terms.clock_skew:
        return _again(attempt, slot)
    return Deferred(
        release=attempt.wish.release,
        host=host,
        reason="SlotBusy",
        message=f"somebody's {slot.job or 'command'} lies in its slot: {attempt.job} goes out "
        "again once the host has heard of that one, unless it has begun",
        until=now + RECHECK_AFTER,
    )


def _again(attempt: Attempt, slot: Slot | None) -> Step:
    host = attempt.wish.host
    return Step(
        action=ResendCommand(attempt=attempt, slot=slot.sequence if slot is not None else 0),
        release=attempt.wish.release,
        reason="NotDelivered",
        message=f"{attempt.job} is not in the slot of {host}, and the host has not begun it",
    )


def _is_held(
    attempt: Attempt, release: Release | None, desired: Desired, observed: Observed, now: datetime
) -> bool:
    """True when a person may just have taken it back, or an install comes too late by now."""
    if release is None:
        return False
    if is_suspended(release, observed, now):
        return True
    if attempt.wish.purpose is not Purpose.INSTALL:
        return False
    if not attempt.goes_back and _is_outside(attempt, release, desired, observed, now):
        return True
    if attempt.wish.fingerprint != release.fingerprint:
        return (release.name, attempt.wish.fingerprint) in observed.quarantine
    return quarantine_in_force(release, observed) is not None


def _is_outside(
    attempt: Attempt, release: Release, desired: Desired, observed: Observed, now: datetime
) -> bool:
    host = desired.hosts.get(attempt.wish.host)
    windows = (release.windows, host.windows if host is not None else ())
    is_shut = any(shut_until(each, now)[0] for each in windows if each)
    return is_shut and not override_of(release, observed, now)
