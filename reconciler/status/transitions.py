"""What changed between two statuses: one event a transition, none for a pass; pure.

One fact changes several conditions: what waits for an approval is not ready, stalled, and not
approved. Each is an event for those who follow conditions, and one of them is the headline.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.plan import ENDED_BADLY
from reconciler.model.revert import RevertOffer
from reconciler.model.status import ApprovalStatus, Event, HostStatus, ReleaseStatus, Status


def transitions(
    before: Status, after: Status, now: datetime, details: str = ""
) -> tuple[Event, ...]:
    """Return the events between two statuses, in a fixed order: controller, releases, hosts.

    *details* go with a revision that has come into force. An event's id says from where to
    where: a controller that crashes before *after* is kept publishes it again under the same id.
    """
    return (
        *_revision(before, after, now, details),
        *_sources(before, after, now),
        *_releases(before, after, now),
        *_hosts(before, after, now),
    )


def _revision(before: Status, after: Status, now: datetime, details: str) -> Iterator[Event]:
    found = after.controller
    if found.revision is not None and found.revision != before.controller.revision:
        message = f"revision {found.revision[:12]} is in force: {found.subject}"
        yield Event(
            at=now,
            kind="RevisionApplied",
            message=message,
            revision=found.revision,
            details=details,
            id=_id("revision", before.controller.revision, found.revision),
        )


def _sources(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    old = {condition.type: condition for condition in before.controller.conditions}
    changed = [item for item in after.controller.conditions if _changed(old.get(item.type), item)]
    for condition in changed:
        event = _event(old.get(condition.type), condition, now, release=None)
        first = condition.type not in old
        yield replace(event, headline=not (first and condition.status is Truth.TRUE))
    prune = after.controller.prune_word
    if prune is not None and not prune.pending and prune != before.controller.prune_word:
        yield _approval_event(prune, None)


def _releases(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    for name, status in sorted(after.releases.items()):
        earlier = before.releases.get(name)
        known = earlier.words if earlier is not None else ()
        approvals = [item for item in status.words if item not in known and not item.pending]
        yield from _conditions(earlier, status, now, explained=bool(approvals))
        for approval in approvals:
            yield _approval_event(approval, status)
        if status.offer is not None and (earlier is None or status.offer != earlier.offer):
            yield _offer_event(status.offer, status, now)


def _conditions(
    earlier: ReleaseStatus | None, status: ReleaseStatus, now: datetime, *, explained: bool
) -> Iterator[Event]:
    """Yield what has changed, one of it as the headline.

    Trouble and a proof are always headlines; all else that changes with a person's approval is
    *explained* by that.
    """
    old = {condition.type: condition for condition in earlier.conditions} if earlier else {}
    changed = [item for item in status.conditions if _is_news(old.get(item.type), item)]
    chief = min(changed, key=_weight, default=None)
    for condition in changed:
        event = _event(old.get(condition.type), condition, now, release=status)
        proof = (condition.type, condition.status) == (ConditionType.READY, Truth.TRUE)
        lead = condition is chief and (event.severity == "error" or not explained)
        yield replace(event, headline=lead or proof)


def _weight(condition: Condition) -> tuple[bool, bool, int]:
    """Trouble first, then whether it is ready, then what else is so, and what is not last."""
    ready = condition.type is ConditionType.READY
    calm = not ready and condition.status is not _TELLING.get(condition.type, Truth.TRUE)
    return not _is_trouble(condition), calm, _ORDER.index(condition.type)


def _approval_event(approval: ApprovalStatus, status: ReleaseStatus | None) -> Event:
    """Return who has approved what, at the time when they did, and whether it counts."""
    subject = f" of {status.version}, {status.fingerprint[:12]}" if status is not None else ""
    key = f" with {approval.key}" if approval.key else ""
    until = f" until {approval.until:%Y-%m-%d %H:%M:%S} UTC" if approval.until is not None else ""
    reason = approval.reason or "no reason given"
    message = f"{approval.kind}{until}{subject}, by {approval.by}{key}: {reason}"
    if approval.refusal:
        message += f"; it does not count: {approval.refusal}"
    kind = "Overridden" if approval.kind.startswith("override") else "Approved"
    return Event(
        at=approval.at,
        kind="WordRefused" if approval.refusal else kind,
        message=message,
        release=status.name if status is not None else None,
        revision=status.revision if status is not None else None,
        severity="error" if approval.refusal else "info",
        id=_id(
            "word", *((status.name, status.fingerprint) if status is not None else ()), approval
        ),
    )


def _offer_event(offer: RevertOffer, status: ReleaseStatus, now: datetime) -> Event:
    refused = offer.commit is None
    message = f"merge {offer.branch} to go back to {offer.to} in git, too"
    if refused:
        message = f"{offer.branch}, which goes back to {offer.to}, is not there: {offer.refusal}"
    return Event(
        at=now,
        kind="RevertRefused" if refused else "RevertOffered",
        message=message,
        release=status.name,
        revision=status.revision,
        severity="error" if refused else "info",
        details=offer.by_hand,
        id=_id("offer", status.name, status.fingerprint, offer.commit),
    )


def _is_news(old: Condition | None, new: Condition) -> bool:
    """A new condition that nothing is wrong is no news."""
    if new.type is ConditionType.RECONCILING:
        return False
    if old is None and new.type is not ConditionType.READY:
        return new.status is Truth.TRUE
    return _changed(old, new)


def _changed(old: Condition | None, new: Condition) -> bool:
    return old is None or (old.status, old.reason) != (new.status, new.reason)


def _event(
    old: Condition | None, condition: Condition, now: datetime, release: ReleaseStatus | None
) -> Event:
    return Event(
        at=now,
        kind=condition.reason,
        message=condition.message,
        release=release.name if release is not None else None,
        revision=condition.revision,
        severity="error" if _is_trouble(condition) else "info",
        condition=condition.type,
        truth=condition.status,
        id=_id(
            condition.type,
            release.name if release is not None else "",
            old.since if old is not None else "",
            condition.status,
            condition.reason,
            condition.revision,
        ),
    )


def _is_trouble(condition: Condition) -> bool:
    bad = (condition.status is Truth.TRUE) == (condition.type in _BAD_WHEN_TRUE)
    return bad and condition.type in (*_BAD_WHEN_TRUE, *_BAD_WHEN_FALSE)


_BAD_WHEN_FALSE = (
    ConditionType.SOURCE_READY,
    ConditionType.KANADE_READY,
    ConditionType.PRUNED,
)
_BAD_WHEN_TRUE = (ConditionType.STALLED, ConditionType.DRIFT_DETECTED)
_ORDER = (
    ConditionType.STALLED,
    ConditionType.READY,
    ConditionType.DRIFT_DETECTED,
    ConditionType.HEALTHY,
    ConditionType.APPROVED,
    ConditionType.SUSPENDED,
)
"""Of a release; `Reconciling` follows from the others, and is no event."""
_TELLING = {ConditionType.HEALTHY: Truth.FALSE, ConditionType.APPROVED: Truth.FALSE}
"""Which value is news beside others, where that is not `True`."""


def _hosts(before: Status, after: Status, now: datetime) -> Iterator[Event]:
    for key, status in sorted(after.hosts.items()):
        old = before.hosts.get(key)
        if old is None or (old.state, old.reason, old.wanted) != (
            status.state,
            status.reason,
            status.wanted,
        ):
            yield _host_event(old, status, now, after)


def _host_event(old: HostStatus | None, status: HostStatus, now: datetime, after: Status) -> Event:
    failed = status.state in ENDED_BADLY
    return Event(
        at=now,
        kind=f"Host{status.state.title().replace('-', '')}",
        message=f"{status.reason}: {status.message}",
        release=status.release,
        host=status.host,
        revision=after.controller.revision,
        severity="error" if failed else "info",
        id=_id(*(_stand(it) for it in (old, status))),
    )


def _stand(status: HostStatus | None) -> object:
    if status is None:
        return ""
    return (
        *(status.release, status.host, status.state, status.reason, status.wanted),
        *(status.attempt, status.exec_id, status.result_id, status.proved_at),
    )


def _id(*parts: object) -> str:
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:32]
