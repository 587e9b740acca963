"""Walk a plan's steps, each as soon as those it waits for have succeeded."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from reconciler.errors import LeaseLost, ReconcilerError, TransientError
from reconciler.model.action import ActionKey
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import Plan, Step

_AT_ONCE = 32
"""Steps in the air at the same time: enough to hide a round trip, few enough to be kind."""

log = structlog.get_logger()

Perform = Callable[[Step], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Carries a plan out; a failure stops only what waits for it."""

    perform: Perform

    async def apply(self, plan: Plan) -> Applied:
        """Return what became of every step of *plan*, in its order.

        Raises:
            LeaseLost: another controller leads; what has not begun is not begun.
        """
        gate = asyncio.Semaphore(_AT_ONCE)
        ended = {step.action.key: asyncio.get_running_loop().create_future() for step in plan.steps}
        running: dict[ActionKey, asyncio.Task[StepOutcome]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for step in plan.steps:
                    walk = self._walk(step, ended, gate)
                    running[step.action.key] = group.create_task(walk)
        except* LeaseLost as lost:
            raise LeaseLost(str(lost.exceptions[0])) from lost
        return Applied(
            plan=plan, outcomes=tuple(running[step.action.key].result() for step in plan.steps)
        )

    async def _walk(
        self,
        step: Step,
        ended: Mapping[ActionKey, asyncio.Future[bool]],
        gate: asyncio.Semaphore,
    ) -> StepOutcome:
        succeeded = False
        try:
            for key in step.after:
                if key in ended and not await ended[key]:
                    message = "a step before it did not succeed"
                    return StepOutcome(step=step, state=StepState.SKIPPED, message=message)
            async with gate:
                outcome = await self._perform(step)
            succeeded = outcome.state is StepState.DONE
            return outcome
        finally:
            ended[step.action.key].set_result(succeeded)

    async def _perform(self, step: Step) -> StepOutcome:
        try:
            await self.perform(step)
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
