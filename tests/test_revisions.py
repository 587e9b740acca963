"""Which revision is in force: the newest without a fault, over restarts, and why not a newer."""

from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from reconciler.desired import load as desired
from reconciler.errors import (
    HistoryRewritten,
    InternalError,
    InvalidDesiredState,
    SourceUnavailable,
)
from reconciler.model.condition import Condition, Truth
from reconciler.model.desired import Desired
from reconciler.model.snapshot import Snapshot
from reconciler.revisions import Revisions, Standing
from tests.support.builders import NOON
from tests.support.fake_source import FakeSource
from tests.support.fake_world import Crash, World
from tests.support.small_fleet import broken_commit, commit

FIRST, SECOND, BROKEN = commit("1.0.0"), commit("2.0.0"), broken_commit()
FETCH = "source.fetch"


@pytest.fixture
def world() -> World:
    world = World()
    world.repository.commit(FIRST)
    return world


def revisions_of(world: World) -> Revisions:
    """Return what a controller that starts now has."""
    return Revisions(FakeSource(world), world.clock)


def in_force(revisions: Revisions) -> Snapshot | None:
    return revisions.in_force.snapshot if revisions.in_force is not None else None


def told(revisions: Revisions) -> tuple[Truth, str]:
    condition = said(revisions)
    return condition.status, condition.reason


def said(revisions: Revisions) -> Condition:
    assert revisions.standing.condition is not None
    return revisions.standing.condition


async def test_the_newest_revision_comes_into_force_once(world: World) -> None:
    revisions = revisions_of(world)
    assert revisions.standing == Standing()

    assert await revisions.fetch()
    assert not await revisions.fetch()

    assert in_force(revisions) == FIRST
    assert told(revisions) == (Truth.TRUE, "Fetched")
    assert FIRST.commit.revision[:12] in said(revisions).message
    assert said(revisions).revision == FIRST.commit.revision
    assert world.repository.applied == FIRST.commit.revision
    assert world.weather.calls.count("source.applied") == 1


async def test_of_several_commits_only_the_newest_is_looked_at(world: World) -> None:
    revisions = revisions_of(world)
    world.repository.commit(BROKEN)
    world.repository.commit(SECOND)

    assert await revisions.fetch()

    assert in_force(revisions) == SECOND


async def test_a_bad_revision_changes_nothing_and_the_status_says_where(world: World) -> None:
    revisions = revisions_of(world)
    await revisions.fetch()
    world.repository.commit(BROKEN)

    assert not await revisions.fetch()

    assert in_force(revisions) == FIRST
    assert told(revisions) == (Truth.FALSE, "InvalidDesiredState")
    assert said(revisions).message.startswith("releases/tool.yaml:4:10: ")
    assert said(revisions).revision == FIRST.commit.revision
    assert world.repository.applied == FIRST.commit.revision


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a bug of ours in the reading of `SECOND`, and of no other revision."""

    def stumble(snapshot: Snapshot) -> Desired:
        if snapshot == SECOND:
            raise TypeError("keep_versions\nand more")
        return desired.load(snapshot)

    monkeypatch.setattr("reconciler.revisions.load", stumble)


@pytest.mark.usefixtures("stumbling")
async def test_a_revision_that_we_stumble_over_changes_nothing_and_ends_nothing(
    world: World,
) -> None:
    revisions = revisions_of(world)
    await revisions.fetch()
    world.repository.commit(SECOND)

    with structlog.testing.capture_logs() as logs:
        assert [await revisions.fetch(), await revisions.fetch()] == [False, False]

    assert in_force(revisions) == FIRST
    assert world.repository.applied == FIRST.commit.revision
    assert told(revisions) == (Truth.FALSE, "InternalError")
    assert said(revisions).message == (
        f"bug: revision {SECOND.commit.revision[:12]} cannot be read: TypeError: keep_versions; "
        "nothing of it is applied: please report it, with what --debug adds"
    )
    [entry] = logs
    assert isinstance(entry["exc_info"], TypeError)


@pytest.mark.usefixtures("stumbling")
async def test_after_a_restart_the_last_good_one_is_in_force_beside_our_bug(world: World) -> None:
    await revisions_of(world).fetch()
    world.repository.commit(SECOND)
    restarted = revisions_of(world)

    assert await restarted.fetch()

    assert in_force(restarted) == FIRST
    assert told(restarted) == (Truth.FALSE, "InternalError")
    with pytest.raises(InternalError):
        await restarted.fetch_or_raise()


async def test_a_commit_that_mends_it_comes_into_force(world: World) -> None:
    revisions = revisions_of(world)
    world.repository.commit(BROKEN)
    assert not await revisions.fetch()
    world.repository.commit(SECOND)

    assert await revisions.fetch()

    assert (in_force(revisions), told(revisions)) == (SECOND, (Truth.TRUE, "Fetched"))


async def test_a_commit_that_goes_back_is_no_news_to_the_fleet(world: World) -> None:
    revisions = revisions_of(world)
    await revisions.fetch()
    world.repository.commit(BROKEN)
    await revisions.fetch()
    world.repository.commit(FIRST)

    assert not await revisions.fetch()

    assert told(revisions) == (Truth.TRUE, "Fetched")


async def test_the_time_of_the_condition_moves_only_with_what_it_says(world: World) -> None:
    revisions = revisions_of(world)
    await revisions.fetch()
    world.clock.advance(timedelta(minutes=1))
    await revisions.fetch()
    assert said(revisions).since == NOON

    world.repository.commit(BROKEN)
    await revisions.fetch()
    world.clock.advance(timedelta(minutes=1))
    await revisions.fetch()

    assert said(revisions).since == NOON + timedelta(minutes=1)


@pytest.mark.parametrize(
    "error",
    [SourceUnavailable("no answer"), HistoryRewritten("a" * 40, "b" * 40)],
    ids=lambda error: error.reason,
)
async def test_a_source_that_gives_nothing_leaves_the_last_good_one_in_force(
    world: World, error: SourceUnavailable | HistoryRewritten
) -> None:
    revisions = revisions_of(world)
    await revisions.fetch()
    world.repository.commit(SECOND)
    world.weather.spoil(FETCH, error)

    assert not await revisions.fetch()
    assert in_force(revisions) == FIRST
    assert told(revisions) == (Truth.FALSE, error.reason)

    assert await revisions.fetch()
    assert in_force(revisions) == SECOND


@pytest.mark.parametrize("down", [False, True])
async def test_a_restart_with_nothing_good_to_fetch_goes_by_the_last_good_one(
    world: World, *, down: bool
) -> None:
    await revisions_of(world).fetch()
    world.repository.commit(BROKEN)
    if down:
        world.weather.spoil(FETCH, SourceUnavailable("no answer"))
    restarted = revisions_of(world)

    assert await restarted.fetch()

    assert in_force(restarted) == FIRST
    reason = "GitUnavailable" if down else "InvalidDesiredState"
    assert told(restarted) == (Truth.FALSE, reason)
    assert said(restarted).revision == FIRST.commit.revision


async def test_without_any_good_revision_none_is_in_force(world: World) -> None:
    world.repository.commit(BROKEN)
    revisions = revisions_of(world)

    assert not await revisions.fetch()

    assert in_force(revisions) is None
    assert told(revisions) == (Truth.FALSE, "InvalidDesiredState")
    assert said(revisions).revision is None


async def test_a_last_good_one_that_cannot_be_read_any_more_is_not_gone_by(world: World) -> None:
    """A newer version of the program may refuse what an older one took."""
    await revisions_of(world).fetch()
    revision = FIRST.commit.revision
    world.repository.commits[revision] = replace(BROKEN, commit=FIRST.commit)
    restarted = revisions_of(world)

    assert not await restarted.fetch()

    assert in_force(restarted) is None


async def test_a_revision_is_remembered_before_anything_goes_by_it(world: World) -> None:
    revisions = revisions_of(world)
    world.weather.spoil("source.applied", SourceUnavailable("the disk is full"))

    assert not await revisions.fetch()
    assert in_force(revisions) is None

    assert await revisions.fetch()
    assert world.repository.applied == FIRST.commit.revision


async def test_a_crash_in_the_middle_of_a_look_leaves_one_good_revision(world: World) -> None:
    await revisions_of(world).fetch()
    world.repository.commit(SECOND)
    world.weather.spoil("source.applied", Crash())
    with pytest.raises(Crash):
        await revisions_of(world).fetch()
    world.weather.spoil(FETCH, SourceUnavailable("no answer"))
    restarted = revisions_of(world)

    assert await restarted.fetch()

    assert in_force(restarted) == FIRST


async def test_who_does_not_wait_for_a_better_one_is_told_every_fault(world: World) -> None:
    world.repository.commit(BROKEN)
    with pytest.raises(InvalidDesiredState) as raised:
        await revisions_of(world).fetch_or_raise()
    assert [fault.position.file for fault in raised.value.faults] == ["releases/tool.yaml"]

    world.repository.commit(SECOND)
    found = await revisions_of(world).fetch_or_raise()

    assert (found.snapshot, found.desired.revision) == (SECOND, SECOND.commit.revision)
