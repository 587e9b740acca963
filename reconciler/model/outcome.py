"""The outcome of a plan's steps."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.action import KeepRecord, OfferRevert, QuarantineRelease
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
    """The error's reason, as conditions and metrics use it."""
    exit_code: int = 0
    """The error's, too; 0 for none."""
    message: str = ""
    transient: bool = False
    """It may go away by itself: worth trying again soon."""
    began: datetime | None = field(default=None, compare=False)
    ended: datetime | None = field(default=None, compare=False)
    """Both `None` for a step that was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A plan and its outcome."""

    plan: Plan
    outcomes: tuple[StepOutcome, ...] = ()
    began: datetime | None = field(default=None, compare=False)
    """When the reading began that the plan rests on."""
    planned: datetime | None = field(default=None, compare=False)
    """When the plan was made."""

    @property
    def failed(self) -> tuple[StepOutcome, ...]:
        """The steps that were tried and did not succeed."""
        return tuple(item for item in self.outcomes if item.state is StepState.FAILED)

    @property
    def has_learned(self) -> bool:
        """True when something was kept that the next plan uses, and that nothing else announces."""
        return any(
            item.state is StepState.DONE
            and isinstance(item.step.action, KeepRecord | QuarantineRelease | OfferRevert)
            for item in self.outcomes
        )
