"""What failed is offered to be taken out of git, and nothing waits for that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from reconciler.errors import SourceUnavailable
from reconciler.model.condition import ConditionType
from reconciler.model.identity import HostName, Version
from reconciler.plan.terms import Terms
from tests.support import small_fleet
from tests.support.fake_agents import FakeAgent, Order, Run
from tests.support.simulation import INSTALL, Simulation
from tests.support.small_fleet import commit
from tests.support.virtual_time import in_virtual_time

SOON = timedelta(seconds=20)
CANARY, OTHER = HostName("pc-01"), HostName("pc-02")
RELEASE = "releases/tool.yaml"
ROLLOUT = (
    "{waves: [{name: canary, hosts: [pc-01]}, {name: rest, percent: 100}], on_failure: rollback}"
)
PUSH = "reverts.push"


def fails(_: FakeAgent, __: Order) -> Run:
    return Run(exit_code=15, stderr="service did not start: 1.0.0 is back and runs")


@asynccontextmanager
async def failing() -> AsyncIterator[Simulation]:
    """Give a fleet, proved to run 1.0.0, that has just been asked for a 2.0.0 that fails."""
    fleet = Simulation.of(commit("1.0.0"))
    fleet.terms = Terms(offer_revert=True)
    async with fleet.living():
        async with fleet.controller():
            await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        fleet.agents[OTHER].scripted[INSTALL].append(fails)
        text = str(small_fleet.files("2.0.0")[RELEASE]).replace("{max_in_flight: 10}", ROLLOUT)
        fleet.world.repository.commit(commit("2.0.0", changes={RELEASE: text}))
        yield fleet


def told(fleet: Simulation) -> list[str]:
    kinds = [event.kind for event in fleet.world.own.events]
    return [kind for kind in kinds if kind.startswith("Revert")]


def pushes(fleet: Simulation) -> int:
    return fleet.world.weather.calls.count(PUSH)


async def restart(fleet: Simulation) -> None:
    """Let another controller look at everything, for as long as it may wait before it does."""
    async with fleet.controller("two"):
        await fleet.until(lambda: fleet.versions()[CANARY] == "1.0.0", timedelta(minutes=2))
        events = len(fleet.world.own.events)
        await fleet.until(lambda: fleet.world.weather.calls.count("records.resync") > 2)
        assert fleet.world.own.events[events:] == []


@in_virtual_time
async def test_a_revert_is_offered_and_told_once_whoever_leads() -> None:
    async with failing() as fleet:
        async with fleet.controller():
            await fleet.until(lambda: told(fleet) == ["RevertOffered"], SOON)
        await restart(fleet)

    assert (told(fleet), pushes(fleet)) == (["RevertOffered"], 1)
    (branch,) = fleet.world.repository.branches.values()
    assert b'version: "1.0.0"' in branch.content
    for fact in ("Host: pc-02\n", "Exit code: 15\n", "Result: ", "Exec: ", "\n    service did not"):
        assert fact in branch.message
    stalled = fleet.condition(ConditionType.STALLED)
    assert stalled is not None
    assert f"or merge {branch.branch}" in stalled.message


@in_virtual_time
async def test_a_refusal_is_told_once_with_what_to_do_and_holds_nothing_up() -> None:
    async with failing() as fleet:
        fleet.world.repository.read_only = "you may only read"
        async with fleet.controller():
            await fleet.until(lambda: told(fleet) == ["RevertRefused"], SOON)
        await restart(fleet)

    assert (told(fleet), pushes(fleet)) == (["RevertRefused"], 1)
    event = next(event for event in fleet.world.own.events if event.kind == "RevertRefused")
    assert "you may only read" in event.message
    assert "git push origin reconciler/revert-tool-2.0.0-" in event.details


@in_virtual_time
async def test_hosts_go_back_while_the_repository_is_silent_and_it_is_asked_again() -> None:
    async with failing() as fleet:
        for _ in range(4):
            fleet.world.weather.spoil(PUSH, SourceUnavailable("no answer"))
        async with fleet.controller():
            await fleet.until(lambda: fleet.installs()[CANARY][-1] == Version("1.0.0"), SOON)
            await fleet.until(lambda: pushes(fleet) > 1, SOON)
            ready = fleet.condition(ConditionType.READY)
            assert ready is not None
            assert ready.reason != "GitUnavailable"
            await fleet.until(lambda: told(fleet) == ["RevertOffered"], timedelta(minutes=2))

    assert pushes(fleet) == 5
