"""A host's slot in EXEC: the first witness of what the backend has sent; pure."""

from dataclasses import replace

from reconciler.model.attempt import Attempt
from reconciler.model.observed import Slot
from reconciler.plan.terms import CLOCK_SKEW


def witness(attempt: Attempt, slot: Slot | None) -> Attempt | None:
    """Return *attempt* with the ids that its host's slot gives away, `None` for no news.

    Over HTTP the backend makes the ids; the slot's message, when it is later than the intent and
    is for the same job, version and script, is the command that was sent; unless the backend has
    answered, and named another. One that it has named is ours whatever it is: the backend reads
    job and script when it sends, and may have met others than we had planned with.
    """
    if slot is None or not attempt.in_doubt or not _is_later(slot, attempt):
        return None
    is_named = attempt.exec_id is not None and attempt.exec_id == slot.exec_id
    is_same = (
        slot.job == attempt.job
        and slot.version == attempt.version
        and slot.script_sha256 == attempt.script_sha256
    )
    if not is_named and not (is_same and attempt.exec_id is None):
        return None
    return replace(
        attempt,
        request_id=slot.request_id,
        exec_id=slot.exec_id,
        slot_sequence=slot.sequence,
        sent_at=attempt.sent_at or slot.at,
        is_other_script=not is_same,
    )


def _is_later(slot: Slot, attempt: Attempt) -> bool:
    if attempt.slot_before is not None:
        return slot.sequence > attempt.slot_before
    return slot.at >= attempt.intended_at - CLOCK_SKEW
