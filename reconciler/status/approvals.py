"""What is published of a release's approvals, and of what they would approve; pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.model.approval import Approval, Checked, Override, Signed
from reconciler.model.desired import Desired
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.pruning import PruneApproval
from reconciler.model.status import ApprovalStatus, ReleaseStatus
from reconciler.plan.approval import holds_until, with_repeats_refused
from reconciler.plan.differences import basis_of, differences
from reconciler.plan.offer import offer_in_force


def with_approvals(
    releases: Mapping[ReleaseName, ReleaseStatus],
    desired: Desired,
    observed: Observed,
    now: datetime,
) -> dict[ReleaseName, ReleaseStatus]:
    """Return the statuses with the approvals of git's version, and with what that changes.

    And with what people are offered to merge where git's version has failed.
    """
    found = dict(releases)
    for release in desired.releases:
        basis = basis_of(release, observed)
        found[release.name] = replace(
            releases[release.name],
            words=tuple(
                approval_status(checked, holds_until(checked.signed, release))
                for checked in with_repeats_refused(release, observed, now)
            ),
            compared_with=basis.record.version if basis is not None else None,
            compared_as=basis.how if basis is not None else "",
            differences=differences(basis.record, release) if basis is not None else (),
            offer=offer_in_force(release, observed),
        )
    return found


def approval_status(found: Checked[Signed], until: datetime | None = None) -> ApprovalStatus:
    """Return what is published of one approval or override."""
    signed = found.signed
    return ApprovalStatus(
        kind=_kind(signed),
        by=signed.approver,
        at=signed.at,
        until=until,
        reason=signed.reason,
        key=found.key,
        refusal=found.refusal,
        pending=found.pending,
    )


def _kind(signed: Signed) -> str:
    match signed:
        case Approval():
            return "approval"
        case Override(gate=gate):
            return f"override of {gate}"
        case PruneApproval():
            return "approval of a prune"
