"""Approvals of a release: how many people must agree, who did, and what is lacking."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.model.approval import (
    LONGEST_OVERRIDE,
    Approval,
    ApprovalOrOverride,
    Checked,
    Override,
)
from reconciler.model.desired import Release
from reconciler.model.observed import Observed
from reconciler.model.plan import Assessment, Deferred
from reconciler.plan.terms import RECHECK_AFTER

_SAME_KEY = "this key has agreed already, under another name"
_AHEAD = timedelta(minutes=5)
"""How far the clock of a person's machine may be ahead of ours."""


def approvals_needed(release: Release) -> int:
    """Return how many people must agree: what the release says, or one where the job asks."""
    if release.approval is not None:
        return release.approval.required
    return 1 if release.job.require_approval else 0


def approvals_on(
    release: Release, observed: Observed, now: datetime
) -> tuple[Checked[ApprovalOrOverride], ...]:
    """Return the approvals and overrides of this very fingerprint, the oldest first.

    One that exceeds its limits does not count, even when it is signed: the command line checks
    that as well, but the request can be written without it.
    """
    of = (release.name, release.fingerprint)
    found = [
        _within_limits(checked, now)
        for checked in observed.requests.approvals
        if (checked.signed.release, checked.signed.fingerprint) == of
    ]
    return tuple(sorted(found, key=lambda checked: (checked.signed.at, checked.signed.approver)))


def _within_limits(
    checked: Checked[ApprovalOrOverride], now: datetime
) -> Checked[ApprovalOrOverride]:
    approval, refusal = checked.signed, ""
    if approval.at > now + _AHEAD:
        refusal = f"it is dated {approval.at:%Y-%m-%d %H:%M:%S} UTC, which is yet to come"
    elif isinstance(approval, Override) and approval.until - approval.at > LONGEST_OVERRIDE:
        hours = LONGEST_OVERRIDE // timedelta(hours=1)
        refusal = f"an override lasts {hours}h at most"
    return replace(checked, refusal=refusal) if refusal and not checked.refusal else checked


def with_repeats_refused(
    release: Release, observed: Observed, now: datetime
) -> tuple[Checked[ApprovalOrOverride], ...]:
    """Return the same, and refuse what a key has approved again under another name."""
    given = approvers_of(release, observed, now)
    return tuple(
        replace(found, refusal=_SAME_KEY)
        if _holds(found, release, now) and found.signed.approver not in given
        else found
        for found in approvals_on(release, observed, now)
    )


def approvers_of(release: Release, observed: Observed, now: datetime) -> tuple[str, ...]:
    """Return the people whose approval still holds, each once."""
    found = approvals_on(release, observed, now)
    return _different(checked for checked in found if _holds(checked, release, now))


def holds_until(approval: ApprovalOrOverride, release: Release) -> datetime | None:
    """Return when *approval* expires; `None` when it lasts."""
    if isinstance(approval, Override):
        return approval.until
    expires = release.approval.expires if release.approval is not None else None
    return approval.at + expires if expires is not None else None


def stays_approved(
    release: Release, observed: Observed, hosts: Iterable[Assessment], now: datetime
) -> bool:
    """True when no new approval is needed, though none holds any more.

    The fingerprint was proved once, or its rollout has begun: nothing was sent before enough
    people had agreed, so an expiry stops no healing, no retry and no half of a fleet.
    """
    if (release.name, release.fingerprint) in observed.records:
        return True
    begun = any(
        view.install is not None and view.install.wish.fingerprint == release.fingerprint
        for view in hosts
    )
    given = _different(approvals_on(release, observed, now))
    return begun and len(given) >= approvals_needed(release)


def unapproved(
    release: Release, observed: Observed, hosts: Iterable[Assessment], now: datetime
) -> Deferred | None:
    """Return which approvals *release* lacks, whatever else holds it; `None` for none."""
    needed = approvals_needed(release)
    given = approvers_of(release, observed, now)
    if len(given) >= needed or stays_approved(release, observed, hosts, now):
        return None
    count = f" ({len(given)} of {needed})" if needed > 1 else ""
    message = (
        f"{release.version} waits for approval{count} of {release.fingerprint[:12]}: "
        f"reconciler approve {release.name}"
    )
    refused = [found for found in with_repeats_refused(release, observed, now) if found.refusal]
    for found in refused:
        message += f"; the request of {found.signed.approver} does not count: {found.refusal}"
    return Deferred(
        release=release.name,
        reason="ApprovalRequired",
        message=message,
        until=_counts_at(refused, now),
        needs_person=True,
    )


def _counts_at(refused: Iterable[Checked[ApprovalOrOverride]], now: datetime) -> datetime | None:
    """Return when an approval may count that does not yet: it is being checked, or dated later."""
    moments = [now + RECHECK_AFTER if item.pending else item.signed.at for item in refused]
    return min((at for at in moments if at > now), default=None)


def override_of(release: Release, observed: Observed, now: datetime) -> Override | None:
    """Return the override that lets *release* pass a shut window now, if there is one."""
    for checked in approvals_on(release, observed, now):
        override = checked.signed
        if isinstance(override, Override) and not checked.refusal and now < override.until:
            return override
    return None


def _holds(found: Checked[ApprovalOrOverride], release: Release, now: datetime) -> bool:
    """True for an approval that counts, considered alone."""
    until = holds_until(found.signed, release)
    return _counts(found) and (until is None or now < until)


def _counts(found: Checked[ApprovalOrOverride]) -> bool:
    return isinstance(found.signed, Approval) and not found.refusal


def _different(found: Iterable[Checked[ApprovalOrOverride]]) -> tuple[str, ...]:
    """Count a person once, and so a key: one key may be known by several names."""
    people: dict[str, str] = {}
    for checked in found:
        name, key = checked.signed.approver, checked.key
        if _counts(checked) and name not in people and (not key or key not in people.values()):
            people[name] = key
    return tuple(people)
