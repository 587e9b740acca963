"""How much may go without a person's approval: one thing at a time, or a small share of all.

A version counts once, its package and its scripts together, and so does a job.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.action import Delete, DeleteJob, DeletePackage, DeleteScript
from reconciler.model.observed import LiveJob, Observed
from reconciler.model.plan import PRUNE_HELD, Deferred
from reconciler.model.pruning import HeldPrune
from reconciler.plan.inventory import plain_version
from reconciler.plan.terms import Terms
from reconciler.plan.upsert import NO_RELEASE

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is not deleted, and why not."""

    what: HeldPrune
    why: Deferred


def brake(
    deletes: Iterable[Delete],
    unwanted: Iterable[LiveJob],
    *,
    total: int,
    observed: Observed,
    terms: Terms,
) -> Held | None:
    """Return why nothing of it is deleted now, or `None` when it may be.

    It is too much when it is all of the *total* that is ours or about to be, or more than one
    thing and more than the share that the settings allow. Jobs that are *unwanted* count even
    while they cannot go yet, so that a mistake does not pass piece by piece.
    """
    items, things = _named(deletes, unwanted)
    count, share = len(things), total * terms.prune_limit // 100
    if not items or (count < total and count <= max(share, min(terms.prune_limit, 1))):
        return None
    held = HeldPrune(items=items)
    approval = observed.requests.prune
    approval = approval if approval is not None and approval.signed.covers(held) else None
    if approval is not None and not approval.refusal:
        return None
    shown = ", ".join(items[:_SHOWN]) + (", ..." if len(items) > _SHOWN else "")
    message = (
        f"{count} of {total} versions and jobs of ours would be deleted ({shown}), more than "
        f"{terms.prune_limit} %: reconciler approve --prune"
    )
    if approval is not None:
        by = approval.signed.approver
        message += f"; the request of {by} does not count: {approval.refusal}"
    why = Deferred(release=NO_RELEASE, reason=PRUNE_HELD, message=message, needs_person=True)
    return Held(what=held, why=why)


def _named(
    deletes: Iterable[Delete], unwanted: Iterable[LiveJob]
) -> tuple[tuple[str, ...], frozenset[object]]:
    """Return each thing by its name, and what they count as."""
    names = {f"job {live.id} {live.manifest.get('version', '')}" for live in unwanted}
    things: set[object] = {live.id for live in unwanted}
    for action in deletes:
        match action:
            case DeletePackage(owner=owner, ref=ref, sequence=sequence):
                names.add(f"package {ref} (stored as {sequence})")
                things.add((owner, plain_version(ref)))
            case DeleteScript(owner=owner, ref=ref, sequence=sequence):
                names.add(f"script {ref} (stored as {sequence})")
                things.add((owner, plain_version(ref)))
            case DeleteJob():
                pass
    return tuple(sorted(names)), frozenset(things)
