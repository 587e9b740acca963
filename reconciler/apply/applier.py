"""Walk a plan's steps, each as soon as those it waits for have succeeded."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import structlog

from reconciler.apply.patience import Patience
from reconciler.errors import LeaseLost, ReconcilerError, TransientError, first_of
from reconciler.model.action import ActionKey
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import Plan, Step
from reconciler.ports import Clock, Inventory

_AT_ONCE = 32
"""Steps in the air at the same time: enough to hide a round trip, few enough to be kind."""

log = structlog.get_logger()

Perform = Callable[[Step], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Carries plans out; a failure stops only what waits for it."""

    clock: Clock
    inventory: Inventory
    patience: Patience = field(default_factory=Patience)

    async def apply(self, plan: Plan, perform: Perform) -> Applied:
        """Write down what *plan* claims, and return the outcomes of its steps, in its order.

        Raises:
            LeaseLost: another controller leads; what has not begun is not begun.
            KanadeUnavailable: what is claimed could not be written down; no step was begun.
        """
        for job, owned in plan.claims.items():
            await self.inventory.own_job(job, owned)
        self.patience.keep(step.action.key for step in plan.steps)
        walk = _Walk(self, perform)
        try:
            async with asyncio.TaskGroup() as group:
                for step in plan.steps:
                    walk.begin(step, group)
        except* LeaseLost as lost:
            raise LeaseLost(str(first_of(lost))) from lost
        return Applied(plan=plan, outcomes=tuple(walk.outcome(step) for step in plan.steps))

    async def try_step(self, step: Step, perform: Perform) -> StepOutcome:
        """Perform one step, unless it failed a moment ago, and return how that went."""
        held = self.patience.holds(step, self.clock.now())
        if held is not None:
            return held
        began = self.clock.now()
        outcome = replace(await _perform(step, perform), began=began, ended=self.clock.now())
        self.patience.note(outcome, self.clock.now())
        return outcome


class _Walk:
    """One plan on its way; a wish that two releases share is carried out once."""

    def __init__(self, applier: Applier, perform: Perform) -> None:
        self._applier = applier
        self._perform = perform
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[ActionKey, asyncio.Task[StepOutcome]] = {}
        self._lost: LeaseLost | None = None

    def begin(self, step: Step, group: asyncio.TaskGroup) -> None:
        """Take *step* as soon as its turn has come."""
        if step.action.key not in self._tasks:
            self._tasks[step.action.key] = group.create_task(self._take(step))

    def outcome(self, step: Step) -> StepOutcome:
        """Return the outcome of *step*."""
        return replace(self._tasks[step.action.key].result(), step=step)

    async def _take(self, step: Step) -> StepOutcome:
        before = [self._tasks[key] for key in step.after if key in self._tasks]
        if before:
            await asyncio.wait(before)
        if not all(_has_succeeded(task) for task in before):
            message = "a step before it did not succeed"
            return StepOutcome(step=step, state=StepState.SKIPPED, message=message)
        async with self._gate:
            if self._lost is not None:
                raise LeaseLost(str(self._lost))
            try:
                return await self._applier.try_step(step, self._perform)
            except LeaseLost as error:
                self._lost = error
                raise


def _has_succeeded(task: asyncio.Task[StepOutcome]) -> bool:
    ended_well = not task.cancelled() and task.exception() is None
    return ended_well and task.result().state is StepState.DONE


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
            exit_code=error.exit_code,
            message=str(error),
            transient=isinstance(error, TransientError),
        )
    log.info("step done", step=step.action.key, why=step.reason)
    return StepOutcome(step=step, state=StepState.DONE)
