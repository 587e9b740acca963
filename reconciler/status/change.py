"""How changes fare: from the commit that asks for one to the proof, and from a failure to its end.

What DORA's four are made of. It is kept in the status, so that a restart in the middle of a
rollout neither loses nor counts anything twice; pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.plan import ENDED_BADLY, State
from reconciler.model.snapshot import Commit
from reconciler.model.status import Change, ReleaseStatus, Status

_QUARANTINED = "Quarantined"
"""The reasons that Ready gives for a version that has failed and is not tried again."""
_REMEMBERED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a release's change has just ended."""

    proved_after: timedelta | None = None
    """It was proved everywhere for the first time: so long after its commit."""
    failed: bool = False
    """It failed on a host for the first time."""
    restored_after: timedelta | None = None
    """Nothing is broken any more, after so long: it was mended, or has gone back."""


def follow_changes(
    before: Status,
    releases: Mapping[ReleaseName, ReleaseStatus],
    commit: Commit,
    now: datetime,
) -> dict[ReleaseName, ReleaseStatus]:
    """Return *releases*, each with its change carried on or begun.

    Without an earlier status nobody knows since when a release has been wanted: its change
    then has no commit time, and does not count.
    """
    known = before.controller.revision is not None
    return {
        name: replace(
            status,
            change=_follow(before.releases.get(name), status, commit, now, known=known),
            past=_past(before.releases.get(name), status, now),
        )
        for name, status in releases.items()
    }


def turn(before: ReleaseStatus | None, after: ReleaseStatus, now: datetime) -> Turn:
    """Return what happened to the change of a release between two statuses, the later of now."""
    earlier = before.change if before is not None else None
    old, new = _earlier_part(before, after), after.change
    if new is None:
        return Turn()
    proved_after = restored_after = None
    if new.proved_at is not None and new.committed_at is not None and not (old and old.proved_at):
        proved_after = new.proved_at - new.committed_at
    if earlier is not None and earlier.broken_since is not None and new.broken_since is None:
        restored_after = now - earlier.broken_since
    return Turn(
        proved_after=proved_after,
        failed=bool(new.failed_at and new.committed_at and not (old and old.failed_at)),
        restored_after=restored_after,
    )


def _earlier_part(before: ReleaseStatus | None, after: ReleaseStatus) -> Change | None:
    """Return how far the change of *after* had come; `None` when it is a new one."""
    same = before is not None and before.fingerprint == after.fingerprint
    return before.change if before is not None and same else None


def _past(before: ReleaseStatus | None, after: ReleaseStatus, now: datetime) -> tuple[Change, ...]:
    if before is None or before.change is None:
        return ()
    if before.fingerprint == after.fingerprint:
        return before.past
    return (replace(before.change, replaced_at=now), *before.past)[:_REMEMBERED]


def _follow(
    before: ReleaseStatus | None,
    after: ReleaseStatus,
    commit: Commit,
    now: datetime,
    *,
    known: bool,
) -> Change:
    same = before is not None and before.fingerprint == after.fingerprint
    change = _earlier_part(before, after) or _begun(after, commit, known=known and not same)
    earlier = before.change if before is not None else None
    ready = _condition(after, ConditionType.READY)
    proved = ready.status is Truth.TRUE
    failed = any(after.counts.get(state) for state in ENDED_BADLY) or ready.reason == _QUARANTINED
    drifted = _condition(after, ConditionType.DRIFT_DETECTED).status is Truth.TRUE
    gone_back = bool(after.in_force) and set(after.counts) == {State.CONVERGED}
    broken_since = earlier.broken_since if earlier is not None else None
    if proved or gone_back:
        broken_since = None
    elif failed or drifted:
        broken_since = broken_since or now
    return replace(
        change,
        proved_at=change.proved_at or (now if proved else None),
        failed_at=change.failed_at or (now if failed else None),
        broken_since=broken_since,
    )


def _begun(after: ReleaseStatus, commit: Commit, *, known: bool) -> Change:
    """Return a change that was first seen at *commit*; *known* is that this commit asks for it."""
    return Change(
        revision=after.revision,
        version=after.version,
        committed_at=commit.committed_at if known else None,
        author=commit.author,
        subject=commit.subject,
    )


def _condition(status: ReleaseStatus, kind: ConditionType) -> Condition:
    return next(item for item in status.conditions if item.type is kind)
