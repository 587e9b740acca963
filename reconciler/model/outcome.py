"""What became of a plan's steps."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.plan import Plan, Step


class StepState(StrEnum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """A step that it waits for did not succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """One step, and how it ended."""

    step: Step
    state: StepState
    reason: str = ""
    """The error's word, as conditions and metrics use it."""
    message: str = ""
    transient: bool = False
    """It may go away by itself: worth trying again soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A plan and what became of it."""

    plan: Plan
    outcomes: tuple[StepOutcome, ...] = ()

    @property
    def failed(self) -> tuple[StepOutcome, ...]:
        """The steps that were tried and did not succeed."""
        return tuple(item for item in self.outcomes if item.state is StepState.FAILED)
