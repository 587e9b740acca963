"""How long a failed step is left alone."""

from datetime import timedelta

import pytest

from reconciler.apply.patience import Patience
from reconciler.model.outcome import StepOutcome, StepState
from tests.support.builders import NOON
from tests.support.steps import step

ONLY = step("only")


def outcome(*, state: StepState = StepState.FAILED, transient: bool = True) -> StepOutcome:
    return StepOutcome(step=ONLY, state=state, reason="KanadeUnavailable", transient=transient)


def waits(patience: Patience, times: int, *, transient: bool) -> list[float]:
    """Let the step fail that often, each time as soon as it may, and return the waits."""
    now, found = NOON, []
    for _ in range(times):
        patience.note(outcome(transient=transient), now)
        assert patience.next_try is not None
        found.append((patience.next_try - now).total_seconds())
        now = patience.next_try
    return found


@pytest.mark.parametrize(
    ("transient", "expected"),
    [
        (True, [1, 2, 4, 8, 16, 30, 30]),
        (False, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]),
    ],
)
def test_each_failure_doubles_the_wait_up_to_a_limit(
    *, transient: bool, expected: list[float]
) -> None:
    assert waits(Patience(), len(expected), transient=transient) == expected


def test_a_hundred_failures_do_not_overflow() -> None:
    assert waits(Patience(), 100, transient=False)[-1] == 300


def test_a_step_is_held_until_its_time_and_no_longer() -> None:
    patience = Patience()
    patience.note(outcome(), NOON)

    assert patience.holds(ONLY, NOON) == outcome()
    assert patience.holds(ONLY, NOON + timedelta(seconds=1, microseconds=-1)) == outcome()
    assert patience.holds(ONLY, NOON + timedelta(seconds=1)) is None
    assert patience.holds(step("other"), NOON) is None


def test_a_success_makes_it_as_if_nothing_had_been() -> None:
    patience = Patience()
    waits(patience, 5, transient=True)

    patience.note(outcome(state=StepState.DONE), NOON)

    assert patience.next_try is None
    assert waits(patience, 1, transient=True) == [1]


def test_a_skipped_step_has_not_failed() -> None:
    patience = Patience()
    patience.note(outcome(state=StepState.SKIPPED), NOON)

    assert patience.next_try is None


def test_a_new_commit_lets_everything_be_tried_at_once() -> None:
    patience = Patience()
    waits(patience, 5, transient=True)

    patience.forget()

    assert patience.holds(ONLY, NOON) is None
    assert waits(patience, 1, transient=True) == [1]


def test_the_next_try_is_the_earliest_of_all() -> None:
    patience = Patience()
    waits(patience, 3, transient=True)
    other = StepOutcome(step=step("other"), state=StepState.FAILED, transient=True)
    patience.note(other, NOON)

    assert patience.next_try == NOON + timedelta(seconds=1)
