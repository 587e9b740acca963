"""A host's log is fetched when a service did not start there: once, and beside the passes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import KanadeUnavailable
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import SecretRef
from reconciler.model.failure import FailureClass
from reconciler.model.host_log import HostLog
from reconciler.model.identity import HostName, ReleaseName, ResultId, SecretName
from reconciler.model.observed import HostState, Observed, Presence
from reconciler.observe.evidence import EvidenceWatch, logs_to_ask
from reconciler.ports import LogTarget
from tests.support import builders
from tests.support.builders import NOON
from tests.support.fake_agents import FakeAgent
from tests.support.fake_fleet import FakeAgentLogs
from tests.support.fake_source import FakeSecrets
from tests.support.fake_state import hold_state
from tests.support.fake_world import Crash, World
from tests.support.virtual_time import LoopClock, in_virtual_time

ITEM = builders.release(hosts=("pc-01", "pc-02"))
PC = HostName("pc-01")
KEY = (ITEM.name, PC)
DOWN = FailureClass.SERVICE_DID_NOT_START
Wanted = Mapping[tuple[ReleaseName, HostName], LogTarget]


def failed(
    host: str = "pc-01",
    kind: FailureClass | None = DOWN,
    *,
    name: str = "result-1",
    ago: timedelta = timedelta(minutes=1),
) -> Attempt:
    return builders.attempt(ITEM, host, outcome=builders.outcome(kind, name=name, ago=ago))


def seen(*attempts: Attempt, presence: Presence = Presence.ONLINE) -> Observed:
    return Observed(
        attempts={
            (item.wish.release, item.wish.host, item.wish.purpose): item for item in attempts
        },
        hosts={item.wish.host: HostState(presence=presence) for item in attempts},
    )


def kept(host: str = "pc-01", name: str = "result-1") -> HostLog:
    return HostLog(
        release=ITEM.name,
        host=HostName(host),
        result_id=ResultId(name),
        version=ITEM.version,
        fingerprint=ITEM.fingerprint,
        asked_at=NOON,
    )


def asked(observed: Observed, *logs: HostLog) -> list[str]:
    known = {(item.release, item.host): item for item in logs}
    return [host for _, host in logs_to_ask(builders.desired(ITEM), observed, known, NOON)]


def test_only_a_service_that_did_not_start_may_have_left_a_word() -> None:
    others = [kind for kind in (*FailureClass, None) if kind is not DOWN]

    assert asked(seen(failed("pc-01"), builders.attempt(ITEM, "pc-02"))) == ["pc-01"]
    assert [kind for kind in others if asked(seen(failed("pc-01", kind)))] == []


def test_a_probe_asks_for_no_log() -> None:
    outcome = builders.outcome(DOWN)

    assert asked(seen(builders.attempt(ITEM, purpose=Purpose.PROBE, outcome=outcome))) == []


def test_each_failure_is_asked_about_once() -> None:
    assert asked(seen(failed()), kept()) == []
    assert asked(seen(failed(name="result-2")), kept()) == ["pc-01"]


@pytest.mark.parametrize("presence", [Presence.OFFLINE, Presence.UNKNOWN])
def test_a_host_that_is_not_there_is_asked_when_it_is_back(presence: Presence) -> None:
    assert asked(seen(failed(), presence=presence)) == []


def test_what_is_long_past_is_at_the_end_of_no_log() -> None:
    assert asked(seen(failed(ago=timedelta(minutes=59)))) == ["pc-01"]
    assert asked(seen(failed(ago=timedelta(minutes=60)))) == []


def test_a_release_that_nobody_wants_any_more_asks_for_nothing() -> None:
    other = builders.attempt(builders.release(name="other"), outcome=builders.outcome(DOWN))

    assert asked(seen(other)) == []


def test_where_everything_fails_a_hundred_logs_will_do() -> None:
    many = [failed(f"pc-{number:03}") for number in range(150)]
    logs = [kept(f"pc-{number:03}") for number in range(60)]

    assert asked(seen(*many), *logs) == [f"pc-{number:03}" for number in range(60, 100)]


class Ground:
    """A controller's hold on a world in which one host has failed."""

    def __init__(self, world: World) -> None:
        clock = LoopClock()
        self.world = world
        own = hold_state(world, "one", clock)
        self.lease, self.ledger = own.lease, own.ledger
        secrets = FakeSecrets(world)
        self.watch = EvidenceWatch(FakeAgentLogs(world), self.ledger, secrets, clock)

    @property
    def kept(self) -> HostLog | None:
        return self.world.own.logs.get(KEY)

    @property
    def times_asked(self) -> int:
        return self.world.weather.calls.count("logs.tail")

    def want(self, item: Attempt | None = None) -> None:
        """Look at the fleet, as a pass does."""
        knobs = {"TOKEN": SecretRef(SecretName("tool-token"))}
        release = replace(ITEM, script=replace(ITEM.script, knobs=knobs))
        known = self.world.own.logs
        self.watch.follow(
            logs_to_ask(builders.desired(release), seen(item or failed()), known, NOON)
        )


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[Ground]:
    ground = Ground(world)
    assert await ground.lease.attempt()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ground.watch.run())
        yield ground
        running.cancel()


async def look_once(world: World) -> None:
    async with watching(world) as ground:
        ground.want()
        await asyncio.sleep(1)


def world_with(*lines: str) -> World:
    world = World()
    world.secrets[SecretName("tool-token")] = "hunter2"
    FakeAgent(name=PC, world=world).go_online()
    world.logs[PC] = list(lines)
    return world


@in_virtual_time
async def test_what_the_agent_has_written_is_kept_with_the_failure() -> None:
    async with watching(world_with("one", "two")) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept == replace(kept(), lines=("one", "two"))


@in_virtual_time
async def test_however_often_a_pass_looks_it_is_asked_for_once() -> None:
    async with watching(world_with("one")) as ground:
        for _ in range(3):
            ground.want()
            ground.want()
            await ground.watch.finished()
            await asyncio.sleep(1)

        assert ground.times_asked == 1
        ground.want(failed(name="result-2"))
        await ground.watch.finished()

    assert ground.times_asked == 2


@in_virtual_time
async def test_a_silent_agent_holds_nobody_up_and_is_not_asked_again() -> None:
    world = world_with("one")
    gone = KanadeUnavailable("the agent of pc-01 did not answer within 10 s")
    world.weather.spoil("logs.tail", gone, after=True)
    async with watching(world) as ground:
        ground.want()
        await ground.watch.finished()
        ground.want()
        await asyncio.sleep(1)

    assert ground.times_asked == 1
    assert ground.kept == replace(kept(), missing=str(gone))


@in_virtual_time
async def test_a_controller_that_ends_while_it_asks_does_not_ask_again() -> None:
    world = world_with("one")
    world.weather.spoil("logs.tail", Crash(), after=True)
    with pytest.raises(BaseExceptionGroup):
        await look_once(world)

    async with watching(world) as ground:
        ground.want()
        await asyncio.sleep(1)

    assert ground.times_asked == 1
    assert ground.kept is not None
    assert ground.kept.missing == "it was asked for, and no answer has been kept"


@in_virtual_time
async def test_a_controller_that_ended_before_it_asked_does_so_when_it_is_back() -> None:
    world = world_with("one")
    world.weather.spoil("archive.keep_log", Crash())
    with pytest.raises(BaseExceptionGroup):
        await look_once(world)
    assert (world.weather.calls.count("logs.tail"), world.own.logs) == (0, {})

    async with watching(world) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept == replace(kept(), lines=("one",))


@in_virtual_time
async def test_what_cannot_be_kept_now_is_tried_at_the_next_look() -> None:
    world = world_with("one")
    world.weather.spoil("archive.keep_log", KanadeUnavailable("away"))
    async with watching(world) as ground:
        ground.want()
        await ground.watch.finished()
        assert ground.times_asked == 0
        ground.want()
        await ground.watch.finished()

    assert ground.kept == replace(kept(), lines=("one",))


@in_virtual_time
async def test_who_does_not_lead_any_more_asks_nobody() -> None:
    world = world_with("one")
    async with watching(world) as ground:
        world.own.is_taken_over()
        ground.want()
        await ground.watch.finished()

    assert (ground.times_asked, ground.kept) == (0, None)


@in_virtual_time
async def test_what_is_kept_is_fit_to_be_seen() -> None:
    world = world_with("\x1b[31mcurl -H 'X: hunter2'\x07", "password=swordfish")
    async with watching(world) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept is not None
    assert ground.kept.lines == ("\ufffd[31mcurl -H 'X: ***'\ufffd", "password=***")


@in_virtual_time
async def test_without_the_secrets_nothing_is_kept_of_what_may_hold_them() -> None:
    world = world_with("one")
    world.secrets.clear()
    async with watching(world) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept is not None
    assert (ground.kept.lines, "tool-token" in ground.kept.missing) == ((), True)


@pytest.mark.parametrize("length", [50, 100, 5000])
@in_virtual_time
async def test_only_the_end_of_it_is_kept_in_whole_lines(length: int) -> None:
    world = world_with(*(f"{number:03}" + "x" * (length - 3) for number in range(300)))
    async with watching(world) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept is not None
    whole = min(200, 16 * 1024 // (length + 1))
    assert [int(line[:3]) for line in ground.kept.lines] == list(range(300 - whole, 300))


@in_virtual_time
async def test_of_a_line_without_an_end_the_end_is_kept() -> None:
    async with watching(world_with("one", "\u3042" * 20_000 + "the end")) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept is not None
    [line] = ground.kept.lines
    assert line.strip("\u3042") == "the end"
    assert len(line.encode()) in range(16 * 1024 - 3, 16 * 1024)


@in_virtual_time
async def test_an_empty_log_is_said_to_be_empty() -> None:
    async with watching(world_with()) as ground:
        ground.want()
        await ground.watch.finished()

    assert ground.kept == replace(kept(), missing="it is empty")
