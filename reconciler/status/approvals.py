"""What is told of people's words on a release, and of what they would agree to; pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.model.approval import Approval, Checked, Override, Signed
from reconciler.model.desired import Desired
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.pruning import PruneApproval
from reconciler.model.status import ReleaseStatus, WordStatus
from reconciler.plan.approval import heard, holds_until
from reconciler.plan.differences import basis_of, differences
from reconciler.plan.offer import offer_in_force


def with_words(
    releases: Mapping[ReleaseName, ReleaseStatus],
    desired: Desired,
    observed: Observed,
    now: datetime,
) -> dict[ReleaseName, ReleaseStatus]:
    """Return the statuses with who has said what of git's word, and with what that changes.

    And with what people are offered to merge where git's word has failed.
    """
    told = dict(releases)
    for release in desired.releases:
        basis = basis_of(release, observed)
        told[release.name] = replace(
            releases[release.name],
            words=tuple(
                word_status(found, holds_until(found.word, release))
                for found in heard(release, observed, now)
            ),
            compared_with=basis.record.version if basis is not None else None,
            compared_as=basis.how if basis is not None else "",
            differences=differences(basis.record, release) if basis is not None else (),
            offer=offer_in_force(release, observed),
        )
    return told


def word_status(found: Checked[Signed], until: datetime | None = None) -> WordStatus:
    """Return what is told of one word."""
    word = found.word
    return WordStatus(
        kind=_kind(word),
        by=word.approver,
        at=word.at,
        until=until,
        reason=word.reason,
        key=found.key,
        refusal=found.refusal,
        pending=found.pending,
    )


def _kind(word: Signed) -> str:
    match word:
        case Approval():
            return "approval"
        case Override(gate=gate):
            return f"override of {gate}"
        case PruneApproval():
            return "approval of a prune"
