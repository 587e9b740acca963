"""Walk a plan's steps, each as soon as those it waits for have succeeded."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from reconciler.apply.patience import Patience
from reconciler.errors import LeaseLost, ReconcilerError, TransientError
from reconciler.model.action import ActionKey
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import Plan, Step
from reconciler.ports import Clock

_AT_ONCE = 32
"""Steps in the air at the same time: enough to hide a round trip, few enough to be kind."""

log = structlog.get_logger()

Perform = Callable[[Step], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Carries plans out; a failure stops only what waits for it."""

    clock: Clock
    patience: Patience = field(default_factory=Patience)

    async def apply(self, plan: Plan, perform: Perform) -> Applied:
        """Return what became of every step of *plan*, in its order.

        Raises:
            LeaseLost: another controller leads; what has not begun is not begun.
        """
        walk = _Walk(self, plan, perform)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(walk.take(step)) for step in plan.steps]
        except* LeaseLost as lost:
            raise LeaseLost(str(lost.exceptions[0])) from lost
        return Applied(plan=plan, outcomes=tuple(task.result() for task in tasks))

    async def try_step(self, step: Step, perform: Perform) -> StepOutcome:
        """Perform one step, unless it failed a moment ago, and return how that went."""
        held = self.patience.holds(step, self.clock.now())
        if held is not None:
            return held
        outcome = await _perform(step, perform)
        self.patience.note(outcome, self.clock.now())
        return outcome


class _Walk:
    """One plan on its way."""

    def __init__(self, applier: Applier, plan: Plan, perform: Perform) -> None:
        loop = asyncio.get_running_loop()
        self._applier = applier
        self._perform = perform
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._succeeded: Mapping[ActionKey, asyncio.Future[bool]] = {
            step.action.key: loop.create_future() for step in plan.steps
        }

    async def take(self, step: Step) -> StepOutcome:
        """Take one step when its turn has come."""
        succeeded = False
        try:
            for key in step.after:
                if key in self._succeeded and not await self._succeeded[key]:
                    message = "a step before it did not succeed"
                    return StepOutcome(step=step, state=StepState.SKIPPED, message=message)
            async with self._gate:
                outcome = await self._applier.try_step(step, self._perform)
            succeeded = outcome.state is StepState.DONE
            return outcome
        finally:
            self._succeeded[step.action.key].set_result(succeeded)


async def _perform(step: Step, perform: Perform) -> StepOutcome:
    try:
        await perform(step)
    except LeaseLost:
        raise
    except ReconcilerError as error:
        log.warning("step failed", step=step.action.key, reason=error.reason, error=str(error))
        return StepOutcome(
            step=step,
            state=StepState.FAILED,
            reason=error.reason,
            message=str(error),
            transient=isinstance(error, TransientError),
        )
    log.info("step done", step=step.action.key, why=step.reason)
    return StepOutcome(step=step, state=StepState.DONE)
