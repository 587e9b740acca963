"""The loop: it converges from anywhere, waits when there is nothing to do, and ends in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from reconciler.errors import KanadeUnavailable, SourceUnavailable
from reconciler.model.approval import Approval
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName, ObjectRef
from reconciler.model.observed import Freeze
from reconciler.ports import Content
from reconciler.state.lease import LENGTH
from tests.support.builders import NOON
from tests.support.simulation import TOOL, Simulation
from tests.support.small_fleet import broken_commit, commit
from tests.support.virtual_time import in_virtual_time


@dataclass(frozen=True)
class SlowContent:
    """Content whose reading takes longer than a leader needs to lose its lease and take it."""

    content: Content
    meanwhile: Callable[[], None]

    @property
    def size_bytes(self) -> int:
        return self.content.size_bytes

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        await asyncio.sleep(1)
        self.meanwhile()
        await asyncio.sleep(10)
        async for block in self.content.blocks(block_bytes):
            yield block


PC = HostName("pc-02")
PASS = "reports.take"
"""What every pass does once."""
SOON = timedelta(seconds=15)
GATED = {
    "jobs/install-tool.yaml": "id: install-tool\nrequire_approval: true\n"
    "execute: {shell: sh, timeout: 300s}\n"
}


def now() -> float:
    return asyncio.get_running_loop().time()


async def idle(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


def counter(fleet: Simulation, call: str) -> Callable[[], int]:
    """Return a function that tells how often *call* was made since now."""
    before = fleet.world.weather.calls.count(call)
    return lambda: fleet.world.weather.calls.count(call) - before


@in_virtual_time
async def test_it_converges_from_nothing_and_installs_once() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)

    assert set(map(tuple, fleet.installs().values())) == {("1.0.0",)}
    assert fleet.world.own.status.controller.instance == "one"
    kinds = [event.kind for event in fleet.world.own.events]
    assert (kinds.count("RevisionApplied"), kinds.count("Converged")) == (1, 1)


@in_virtual_time
async def test_where_there_is_nothing_to_do_it_only_keeps_its_lease() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        await idle(timedelta(minutes=1))
        before = len(fleet.world.weather.calls)
        await idle(timedelta(minutes=8))

        assert set(fleet.world.weather.calls[before:]) == {"lease.renew"}


@in_virtual_time
async def test_every_now_and_then_it_reads_everything_anew() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        passes, anew = counter(fleet, PASS), counter(fleet, "app_packages.resync")
        events = list(fleet.world.own.events)
        await idle(timedelta(minutes=31))

        assert (passes(), anew()) == (3, 3)
        assert fleet.world.own.events == events


@in_virtual_time
async def test_a_commit_is_followed_when_somebody_says_look() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        fleet.world.repository.commit(commit("2.0.0"))
        controller.wake_source()
        await fleet.until(lambda: fleet.all_run("2.0.0"), SOON)

    assert set(map(tuple, fleet.installs().values())) == {("1.0.0", "2.0.0")}


@in_virtual_time
async def test_a_commit_in_the_middle_of_a_rollout_waits_for_what_is_in_flight() -> None:
    """The pin moves with the job: a command on its way would be skipped for nothing."""
    fleet = Simulation.of(commit("1.0.0"))
    fleet.run_seconds = 60
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: any(fleet.installs().values()), timedelta(minutes=3))
        for version in ("2.0.0", "3.0.0"):
            fleet.world.repository.commit(commit(version))
        controller.wake_source()
        await fleet.until(lambda: fleet.all_run("3.0.0"))

    assert set(map(tuple, fleet.installs().values())) == {("1.0.0", "3.0.0")}
    assert "VersionPin" not in {item.reason for item in fleet.world.own.status.hosts.values()}


@in_virtual_time
async def test_a_bad_commit_changes_nothing_but_what_the_status_says() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        bad = broken_commit()
        fleet.world.repository.commit(bad)
        for _ in range(5):
            controller.wake_source()
            await idle(timedelta(minutes=1))

        told = fleet.condition(ConditionType.SOURCE_READY)
        assert told is not None
        assert (told.status, told.reason) == (Truth.FALSE, "InvalidDesiredState")
        assert told.message.startswith("releases/tool.yaml:4:10: ")
        assert fleet.all_run("1.0.0")
        assert fleet.world.own.status.controller.revision == commit("1.0.0").commit.revision
        news = [item for item in fleet.world.own.events if item.kind == "InvalidDesiredState"]
        assert [(item.severity, item.release) for item in news] == [("error", None)]


@in_virtual_time
async def test_a_restart_under_a_bad_commit_goes_on_with_the_last_good_one() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    fleet.agents[PC].go_offline()
    async with fleet.living():
        async with fleet.controller():
            await idle(SOON)
        fleet.world.crash()
        fleet.world.repository.commit(broken_commit())
        fleet.agents[PC].go_online()
        async with fleet.controller():
            await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)

    told = fleet.condition(ConditionType.SOURCE_READY)
    assert told is not None
    assert told.reason == "InvalidDesiredState"


@in_virtual_time
async def test_without_any_good_commit_it_says_so_and_touches_nothing() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    fleet.world.repository.commit(broken_commit())
    async with fleet.living(), fleet.controller():
        await idle(timedelta(minutes=15))

    told = fleet.condition(ConditionType.SOURCE_READY)
    assert told is not None
    assert told.reason == "InvalidDesiredState"
    assert set(fleet.world.weather.calls) <= {
        "lease.attempt",
        "lease.renew",
        "lease.release",
        "source.fetch",
        "source.last_applied",
        "board.publish",
    }


@in_virtual_time
async def test_a_source_that_is_down_stops_nothing() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller() as controller:
        await idle(timedelta(seconds=1))
        fleet.world.weather.spoil("source.fetch", SourceUnavailable("no answer from git"))
        controller.wake_source()
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)

        told = fleet.condition(ConditionType.SOURCE_READY)
        assert told is not None
        assert (told.status, told.message) == (Truth.FALSE, "no answer from git")


@in_virtual_time
async def test_a_host_that_comes_back_is_what_it_wakes_for() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    fleet.agents[PC].go_offline()
    async with fleet.living(), fleet.controller():
        await idle(timedelta(minutes=3))
        assert fleet.versions() == {HostName("pc-01"): "1.0.0", PC: None}
        fleet.agents[PC].go_online()
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)


@in_virtual_time
async def test_nothing_is_sent_in_a_freeze_and_its_end_wakes() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    fleet.world.freeze = Freeze(frozen=True, reason="audit")
    async with fleet.living(), fleet.controller():
        await idle(timedelta(minutes=3))
        assert (fleet.world.slots, fleet.world.jobs) == ({}, {})
        fleet.world.freeze = Freeze(frozen=False)
        fleet.world.changed()
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)


@in_virtual_time
async def test_a_persons_word_opens_the_gate() -> None:
    fleet = Simulation.of(commit("1.0.0", changes=GATED))
    async with fleet.living(), fleet.controller():
        await idle(timedelta(minutes=3))
        assert not any(fleet.installs().values())
        status = fleet.world.own.status.releases[TOOL]
        assert "waits for approval" in status.waits_for
        word = Approval(release=TOOL, fingerprint=status.fingerprint, approver="mika", at=NOON)
        await (await fleet.world.own.book()).approve(word)
        fleet.world.changed()
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)


@in_virtual_time
async def test_while_kanade_is_silent_it_asks_ever_less_often_and_says_so() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    times: list[float] = []

    def be_silent() -> None:
        times.append(now())
        raise KanadeUnavailable("no answer from NATS")

    for _ in range(7):
        fleet.world.weather.spoil(PASS, be_silent)
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: len(times) == 7, timedelta(minutes=5))
        told = fleet.condition(ConditionType.KANADE_READY)
        assert told is not None
        assert (told.status, told.message) == (Truth.FALSE, "no answer from NATS")
        await fleet.until(lambda: fleet.all_run("1.0.0"), timedelta(minutes=2))

    waits = [round(later - earlier) for earlier, later in pairwise(times)]
    assert waits == [1, 2, 4, 8, 16, 30]
    told = fleet.condition(ConditionType.KANADE_READY)
    assert told is not None
    assert told.status is Truth.TRUE
    kinds = [event.kind for event in fleet.world.own.events]
    assert (kinds.count("KanadeUnavailable"), kinds.count("Reachable")) == (1, 1)


@in_virtual_time
async def test_a_step_that_failed_is_tried_again_by_itself() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    for _ in range(3):
        fleet.world.weather.spoil("app_packages.publish", KanadeUnavailable("silent"))
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.all_run("1.0.0"), timedelta(minutes=1))


@in_virtual_time
async def test_a_send_without_an_answer_does_not_keep_it_busy() -> None:
    """The attempt is on its way then, and its step is in no plan any more."""
    fleet = Simulation.of(commit("1.0.0"))
    fleet.world.weather.spoil("runner.send", KanadeUnavailable("silent"), after=True)
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.all_run("1.0.0"), timedelta(minutes=1))
        passes = counter(fleet, PASS)
        await idle(timedelta(minutes=5))

        assert passes() <= 1
    assert set(map(tuple, fleet.installs().values())) == {("1.0.0",)}


@in_virtual_time
async def test_asked_to_stop_it_ends_after_the_pass_and_gives_the_lease_back() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    controller = fleet.start().controller()
    fleet.world.weather.spoil("app_packages.publish", controller.stop)
    async with fleet.living():
        await controller.run()

    assert set(fleet.world.own.packages) == set(fleet.world.stores["app_packages"]) != set()
    assert fleet.world.own.status.controller.revision == commit("1.0.0").commit.revision
    assert fleet.world.own.holder == ""
    assert fleet.world.weather.calls[-1] == "lease.release"
    assert fleet.world.weather.calls.count(PASS) == 1


@in_virtual_time
async def test_a_lease_lost_in_the_middle_stops_it_until_it_leads_again() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    own = fleet.world.own

    def take_over() -> None:
        own.is_taken_over("two")

    fleet.world.weather.spoil("app_packages.publish", take_over)
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: own.holder == "two", SOON)
        before = len(fleet.world.weather.calls)
        await idle(LENGTH - timedelta(seconds=3))
        assert (fleet.world.slots, own.attempts) == ({}, {})
        assert not any(item.checked for item in own.packages.values())
        assert PASS not in fleet.world.weather.calls[before:]

        await fleet.until(lambda: fleet.all_run("1.0.0"), LENGTH + SOON)
    assert own.holder == ""
    assert set(map(tuple, fleet.installs().values())) == {("1.0.0",)}


@in_virtual_time
async def test_a_pass_does_not_go_on_under_a_later_term_of_its_own() -> None:
    """Others have led in between: what it had planned may be done, or no longer be wanted."""
    fleet = Simulation.of(commit("1.0.0"))
    own, passes = fleet.world.own, counter(fleet, PASS)
    passes_at: list[int] = []

    def lead_for_a_moment() -> None:
        own.is_taken_over("")

    def slowly(_: ObjectRef, content: Content) -> Content:
        return content if own.packages else SlowContent(content, lead_for_a_moment)

    started = fleet.start()
    performer = replace(started.work.performer, watch=slowly)
    controller = replace(started, work=replace(started.work, performer=performer)).controller()
    for _ in range(2):  # the probe's job, and then the one that waits for the package
        fleet.world.weather.spoil("jobs.upsert", lambda: passes_at.append(passes()))
    async with fleet.living(), asyncio.TaskGroup() as group:
        group.create_task(controller.run())
        await fleet.until(lambda: fleet.all_run("1.0.0"), timedelta(minutes=2))
        controller.stop()

    assert passes_at == [1, 2]


@in_virtual_time
async def test_a_second_controller_stands_by_and_takes_over_from_a_dead_one() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    first = fleet.start("one").controller()
    running = asyncio.ensure_future(first.run())
    async with fleet.living():
        await idle(timedelta(seconds=1))
        async with fleet.controller("two") as second:
            await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
            assert (first.lease.leads, second.lease.leads) == (True, False)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            fleet.world.repository.commit(commit("2.0.0"))
            second.wake_source()
            await fleet.until(lambda: fleet.all_run("2.0.0"), LENGTH + SOON)

    assert fleet.world.own.status.controller.instance == "two"
    assert set(map(tuple, fleet.installs().values())) == {("1.0.0", "2.0.0")}
