"""The status of what nobody needs any more: what was pruned, and why something was not."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.model.action import DeleteJob, DeletePackage, DeleteScript, ForgetRecord
from reconciler.model.approval import Checked
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.outcome import Applied, StepState
from reconciler.model.plan import PRUNE_HELD
from reconciler.model.pruning import PruneApproval
from reconciler.model.status import ControllerStatus, Event, Status
from reconciler.status.approvals import approval_status


def with_prune(
    controller: ControllerStatus,
    before: Status,
    applied: Applied,
    approval: Checked[PruneApproval] | None,
    now: datetime,
) -> ControllerStatus:
    """Return *controller* with what is held of a prune, why, and a person's *approval* of it."""
    condition = _condition(applied, before.controller.conditions, now)
    others = [item for item in controller.conditions if item.type is not ConditionType.PRUNED]
    held = applied.plan.held_prune or before.controller.held_prune
    is_of_it = approval is not None and held is not None and approval.signed.covers(held)
    return replace(
        controller,
        conditions=(*others, *([condition] if condition is not None else [])),
        held_prune=applied.plan.held_prune,
        prune_word=approval_status(approval)
        if approval is not None and is_of_it
        else controller.prune_word,
    )


def _condition(applied: Applied, before: Iterable[Condition], now: datetime) -> Condition | None:
    """Return why something is still there that should not be; `None` when nothing is."""
    held = next((item for item in applied.plan.deferred if item.reason == PRUNE_HELD), None)
    failed = next(
        (
            item
            for item in applied.failed
            if isinstance(item.step.action, DeletePackage | DeleteScript | DeleteJob)
        ),
        None,
    )
    if held is not None:
        new = (held.reason, held.message)
    elif failed is not None:
        new = (failed.reason, f"{failed.step.action.key}: {failed.message}")
    else:
        return None
    old = next((item for item in before if item.type is ConditionType.PRUNED), None)
    same = old is not None and (old.reason, old.message) == new
    return Condition(
        type=ConditionType.PRUNED,
        status=Truth.FALSE,
        reason=new[0],
        message=new[1],
        revision=applied.plan.revision,
        since=old.since if old is not None and same else now,
    )


def pruned(applied: Applied, now: datetime) -> Iterator[Event]:
    """Yield an event for each thing that was deleted from kanade, and each record of ours.

    It is housekeeping, of which nobody is sent a message; what is held back has a condition.
    """
    for outcome in applied.outcomes:
        action = outcome.step.action
        if outcome.state is not StepState.DONE:
            continue
        release: ReleaseName | None = None
        match action:
            case DeletePackage(owner=owner, ref=ref):
                what, release = f"package {ref}", owner
            case DeleteScript(owner=owner, ref=ref):
                what, release = f"script {ref}", owner
            case DeleteJob(job_id=job, version=version):
                what = f"job {job} {version}"
            case ForgetRecord(release=release, version=version):
                what = f"the record of {release} {version}"
            case _:
                continue
        yield Event(
            at=now,
            kind="Pruned",
            message=f"{what} was deleted: {outcome.step.message}",
            release=release,
            revision=applied.plan.revision,
            headline=False,
            id=action.key,
        )
