"""When the backend's own table is asked, and which of its rows may be a lost attempt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.errors import KanadeUnavailable
from reconciler.model.attempt import Attempt, Via
from reconciler.model.identity import ExecId, HostName, RequestId, ResultId, Version, WishId
from reconciler.model.report import Execution, RunFinished
from reconciler.observe.doubt import Doubts
from reconciler.plan.terms import CLOCK_SKEW
from tests.support import builders
from tests.support.fake_fleet import FakeExecutions
from tests.support.fake_world import World

RELEASE = builders.release()
PC, ROW = HostName("pc-01"), ExecId("exec-1")
SENT = builders.attempt(RELEASE, via=Via.HTTP)
LOST = replace(SENT, request_id=None, exec_id=None, sent_at=None)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A backend that has sent one command of the job, and who asks it."""

    world: World
    doubts: Doubts

    def put(self, execution: Execution, host: HostName = PC) -> None:
        self.world.executions.append((LOST.job, execution))
        self.world.runs[execution.id][host] = RequestId(f"request of {execution.id}")

    async def settle(self, *attempts: Attempt) -> list[tuple[ExecId | None, RequestId | None]]:
        keyed = {
            (one.wish.release, one.wish.host, one.wish.purpose): one for one in attempts or (LOST,)
        }
        return [(one.exec_id, one.request_id) for one in await self.doubts.settle(keyed)]

    async def missed(self, *attempts: Attempt) -> Sequence[RunFinished]:
        keyed = {(one.wish.release, one.wish.host, one.wish.purpose): one for one in attempts}
        return await self.doubts.missed(keyed)

    @property
    def asked(self) -> int:
        return self.world.weather.calls.count("executions.of_job")

    @property
    def asked_for_results(self) -> int:
        return self.world.weather.calls.count("executions.result_of")


@pytest.fixture
def desk() -> Desk:
    world = World()
    return Desk(world=world, doubts=Doubts(executions=FakeExecutions(world), clock=world.clock))


def row(name: str = ROW) -> Execution:
    return Execution(id=ExecId(name), version=LOST.version, at=LOST.intended_at)


async def test_the_exec_that_the_host_has_run_is_the_one(desk: Desk) -> None:
    desk.put(row())

    assert await desk.settle() == [(ROW, "request of exec-1")]


@pytest.mark.parametrize(
    "other",
    [
        replace(row(), at=LOST.intended_at - CLOCK_SKEW - timedelta(seconds=1)),
        replace(row(), version=Version("1.9.9")),
    ],
    ids=["before the intent", "another version"],
)
async def test_an_earlier_exec_or_one_of_another_version_is_not_it(
    desk: Desk, other: Execution
) -> None:
    desk.put(other)

    assert await desk.settle() == []


async def test_an_exec_that_only_another_host_has_run_is_not_it(desk: Desk) -> None:
    desk.put(row(), HostName("pc-02"))

    assert await desk.settle() == []


async def test_an_exec_that_is_known_as_another_attempts_is_not_it(desk: Desk) -> None:
    desk.put(row())
    other = builders.attempt(RELEASE, "pc-02", via=Via.HTTP)

    assert await desk.settle(LOST, replace(other, exec_id=ROW)) == []


@pytest.mark.parametrize(
    "attempt",
    [
        SENT,
        replace(LOST, exec_id=ExecId("answered")),
        replace(LOST, via=Via.NATS),
        replace(LOST, deadline_at=LOST.intended_at),
        replace(LOST, outcome=builders.outcome(None)),
    ],
    ids=["its ids are known", "it was answered", "over NATS", "lapsed", "settled"],
)
async def test_nobody_is_asked_where_there_is_no_doubt(desk: Desk, attempt: Attempt) -> None:
    desk.put(row())

    assert await desk.settle(attempt) == []
    assert desk.asked == 0


async def test_a_host_is_asked_about_every_now_and_then_and_each_job_once(desk: Desk) -> None:
    other = replace(LOST, wish=replace(LOST.wish, host=HostName("pc-02")))
    await desk.settle(LOST, other)
    await desk.settle(LOST, other)
    assert desk.asked == 1

    desk.world.clock.advance(timedelta(seconds=16))
    await desk.settle(LOST, other)
    assert desk.asked == 2


async def test_a_backend_that_is_silent_settles_nothing_and_stops_nothing(desk: Desk) -> None:
    desk.world.weather.spoil("executions.of_job", KanadeUnavailable("silent"))

    assert await desk.settle() == []


LAPSED = replace(SENT, deadline_at=SENT.intended_at)
PAUSE = timedelta(seconds=16)
RESULT = RunFinished(
    result_id=ResultId("result-1"),
    request_id=LAPSED.request_id or RequestId(""),
    exec_id=LAPSED.exec_id,
    host=PC,
    job=LAPSED.job,
    exit_code=0,
    skipped=False,
    last_line="tool 2.0.0",
    stdout_tail="tool 2.0.0\n",
    stderr_tail="",
    at=LAPSED.intended_at,
)


async def test_a_result_that_never_came_is_asked_for_a_few_times(desk: Desk) -> None:
    for _ in range(5):
        assert await desk.missed(LAPSED) == []
        desk.world.clock.advance(PAUSE)

    assert desk.asked_for_results == 3


async def test_the_next_passes_leave_the_backend_time_to_know_a_result(desk: Desk) -> None:
    for _ in range(5):
        await desk.missed(LAPSED)
    assert desk.asked_for_results == 1

    desk.world.clock.advance(PAUSE)
    await desk.missed(LAPSED)
    assert desk.asked_for_results == 2


async def test_a_backend_that_is_silent_has_not_said_that_it_knows_no_result(desk: Desk) -> None:
    for _ in range(5):
        desk.world.weather.spoil("executions.result_of", KanadeUnavailable("silent"))
        assert await desk.missed(LAPSED) == []
        desk.world.clock.advance(PAUSE)
    desk.world.results[PC, LAPSED.request_id or RequestId("")] = RESULT

    assert list(await desk.missed(LAPSED)) == [RESULT]


async def test_of_many_a_few_are_asked_about_at_a_time(desk: Desk) -> None:
    many = [
        replace(
            LAPSED,
            wish_id=WishId(f"wish {number}"),
            wish=replace(LAPSED.wish, host=HostName(f"pc-{number}")),
        )
        for number in range(20)
    ]

    await desk.missed(*many)

    assert desk.asked_for_results == 8


@pytest.mark.parametrize(
    "attempt",
    [SENT, replace(LAPSED, exec_id=None), replace(LAPSED, outcome=builders.outcome(None))],
    ids=["its time is not over", "its ids are not known", "settled"],
)
async def test_only_results_that_are_late_are_asked_for(desk: Desk, attempt: Attempt) -> None:
    assert await desk.missed(attempt) == []
    assert desk.asked_for_results == 0
