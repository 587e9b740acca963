"""A plan is walked in its order, side by side where it may be, and a failure stays its own."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.apply.applier import Applier
from reconciler.errors import Conflict, KanadeRefused, KanadeUnavailable, LeaseLost, ReconcilerError
from reconciler.model.digest import Digest
from reconciler.model.identity import JobId
from reconciler.model.observed import Owned
from reconciler.model.outcome import Applied, StepState
from reconciler.model.plan import Step
from tests.support.clock import FakeClock
from tests.support.fake_state import hold_state
from tests.support.fake_world import World
from tests.support.steps import name_of, plan_of, step

A_MOMENT = timedelta(milliseconds=1)


class Works:
    """Performs steps: notes what it does, fails where it is told, waits where a gate is shut."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def hold(self, name: str) -> asyncio.Event:
        """Let the step called *name* wait; setting what is returned lets it go on."""
        self.gates[name] = asyncio.Event()
        return self.gates[name]

    async def perform(self, item: Step) -> None:
        name = name_of(item)
        self.begun.append(name)
        self.reached[name].set()
        if name in self.gates:
            await self.gates[name].wait()
        if name in self.failing:
            raise self.failing[name]
        self.ended.append(name)


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def applier(world: World) -> Applier:
    return Applier(clock=FakeClock(), inventory=hold_state(world).ledger)


def states(applied: Applied) -> dict[str, StepState]:
    return {name_of(item.step): item.state for item in applied.outcomes}


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_step_begins_when_all_those_before_it_have_ended(
    applier: Applier, works: Works
) -> None:
    first, second = step("first"), step("second")
    gates = [works.hold("first"), works.hold("second")]
    plan = plan_of(first, second, step("last", first, second))
    async with asyncio.TaskGroup() as group:
        walk = group.create_task(applier.apply(plan, works.perform))
        await settle()
        assert works.begun == ["first", "second"]
        gates[0].set()
        await settle()
        assert works.begun == ["first", "second"]
        gates[1].set()

    assert works.begun == ["first", "second", "last"]
    assert set(states(walk.result()).values()) == {StepState.DONE}


async def test_a_failure_skips_what_waits_for_it_and_nothing_else(
    applier: Applier, works: Works
) -> None:
    bad = step("bad")
    next_to = step("next-to")
    child = step("child", bad)
    plan = plan_of(bad, child, step("grandchild", child), next_to, step("other", next_to))
    works.failing["bad"] = KanadeUnavailable("no answer from NATS")

    applied = await applier.apply(plan, works.perform)

    assert states(applied) == {
        "bad": StepState.FAILED,
        "child": StepState.SKIPPED,
        "grandchild": StepState.SKIPPED,
        "next-to": StepState.DONE,
        "other": StepState.DONE,
    }
    assert sorted(works.ended) == ["next-to", "other"]
    assert applied.plan is plan
    (failed,) = applied.failed
    assert (failed.reason, failed.message) == ("KanadeUnavailable", "no answer from NATS")


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (KanadeUnavailable("silent"), True),
        (Conflict("it was changed"), True),
        (KanadeRefused("no"), False),
    ],
)
async def test_an_outcome_says_whether_it_may_pass(
    applier: Applier, works: Works, error: ReconcilerError, *, transient: bool
) -> None:
    works.failing["only"] = error

    (outcome,) = (await applier.apply(plan_of(step("only")), works.perform)).outcomes

    assert (outcome.reason, outcome.transient) == (error.reason, transient)


async def test_what_is_not_in_the_plan_has_long_been_done(applier: Applier, works: Works) -> None:
    await applier.apply(plan_of(step("last", step("elsewhere"))), works.perform)

    assert works.ended == ["last"]


async def test_many_steps_go_side_by_side_but_not_all_at_once(
    applier: Applier, works: Works
) -> None:
    names = [f"step-{number:02}" for number in range(50)]
    gates = [works.hold(name) for name in names]
    async with asyncio.TaskGroup() as group:
        walk = group.create_task(applier.apply(plan_of(*map(step, names)), works.perform))
        await settle()
        assert len(works.begun) == 32
        gates[0].set()
        await settle()
        assert len(works.begun) == 33
        for gate in gates:
            gate.set()

    assert len(works.ended) == len(walk.result().outcomes) == 50


async def test_a_lost_lease_ends_the_walk_before_anything_more_begins(
    applier: Applier, works: Works
) -> None:
    """Even with steps that run, that wait for those, and that have not had room yet."""
    running, loses = step("running"), step("loses")
    works.hold("running")
    gate = works.hold("loses")
    works.failing["loses"] = LeaseLost("another controller leads")
    more = [step(f"more-{number:02}") for number in range(40)]
    for item in more:
        works.hold(name_of(item))
    plan = plan_of(running, loses, step("waiting", running), step("after", loses), *more)
    walk = asyncio.ensure_future(applier.apply(plan, works.perform))
    await works.reached["loses"].wait()
    await settle()
    begun = list(works.begun)

    gate.set()

    with pytest.raises(LeaseLost, match="another controller leads"):
        await walk

    assert (works.begun, works.ended) == (begun, [])


async def test_a_walk_that_is_cancelled_ends_as_cancelled(applier: Applier, works: Works) -> None:
    running = step("running")
    works.hold("running")
    plan = plan_of(running, step("waiting", running))
    walk = asyncio.ensure_future(applier.apply(plan, works.perform))
    await works.reached["running"].wait()
    await settle()

    walk.cancel()

    with pytest.raises(asyncio.CancelledError):
        await walk


async def test_a_bug_is_not_taken_for_an_outcome(applier: Applier, works: Works) -> None:
    works.failing["only"] = ZeroDivisionError("division by zero")

    with pytest.raises(ExceptionGroup) as raised:
        await applier.apply(plan_of(step("only")), works.perform)

    assert isinstance(raised.value.exceptions[0], ZeroDivisionError)


async def test_what_two_releases_ask_for_alike_is_done_once(applier: Applier, works: Works) -> None:
    first, second = step("shared"), step("shared")
    plan = plan_of(first, second, step("one", first), step("two", second))

    applied = await applier.apply(plan, works.perform)

    assert sorted(works.ended) == ["one", "shared", "two"]
    assert [item.step for item in applied.outcomes] == list(plan.steps)
    assert {item.state for item in applied.outcomes} == {StepState.DONE}


async def test_what_has_just_failed_is_left_alone_for_a_moment(
    works: Works, applier: Applier
) -> None:
    clock = FakeClock()
    applier = replace(applier, clock=clock)
    works.failing["only"] = KanadeUnavailable("silent")
    plan = plan_of(step("only"))
    first = await applier.apply(plan, works.perform)
    again = await applier.apply(plan, works.perform)
    assert works.begun == ["only"]
    assert again.outcomes == first.outcomes

    works.failing.clear()
    next_try = applier.patience.next_try
    assert next_try is not None
    clock.advance(next_try - clock.now() - A_MOMENT)
    assert states(await applier.apply(plan, works.perform)) == {"only": StepState.FAILED}
    clock.advance(A_MOMENT)

    assert states(await applier.apply(plan, works.perform)) == {"only": StepState.DONE}
    assert applier.patience.next_try is None


async def test_nobody_waits_for_what_is_not_planned_any_more(
    applier: Applier, works: Works
) -> None:
    """Or the controller would look again and again for a step that never comes back."""
    works.failing["gone"] = KanadeUnavailable("silent")
    await applier.apply(plan_of(step("gone")), works.perform)
    assert applier.patience.next_try is not None

    await applier.apply(plan_of(step("other")), works.perform)

    assert applier.patience.next_try is None


async def test_what_is_claimed_is_written_down_before_any_step_and_only_by_the_leader(
    applier: Applier, works: Works, world: World
) -> None:
    owned = Owned(digest=Digest.of(b"as it stands"), release=None)
    plan = replace(plan_of(step("only")), claims={JobId("probe"): owned})

    with pytest.raises(LeaseLost):
        await applier.apply(plan, works.perform)

    assert (works.begun, world.own.owned_jobs) == ([], {})
