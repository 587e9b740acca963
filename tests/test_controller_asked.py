"""A person's word to look, with a whole controller, in virtual time."""

from datetime import timedelta

from reconciler.model.observed import ReconcileRequest
from tests.support.builders import NOON
from tests.support.simulation import Simulation
from tests.support.small_fleet import broken_commit, commit
from tests.support.virtual_time import in_virtual_time

SOON = timedelta(seconds=15)


async def ask(fleet: Simulation, word: str) -> None:
    """Put the word down, as the command line does."""
    look = ReconcileRequest(id=word, by="mika", at=NOON)
    await (await fleet.world.own.book()).request_reconcile(look)


def answered(fleet: Simulation) -> str:
    return fleet.world.own.status.controller.answered


@in_virtual_time
async def test_it_fetches_reads_anew_and_says_that_it_has() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        fleet.world.repository.commit(commit("2.0.0"))
        readings = fleet.world.weather.calls.count("app_packages.resync")

        await ask(fleet, "first")
        controller.wake()
        await fleet.until(lambda: answered(fleet) == "first", SOON)

        told = fleet.world.own.status.controller.revision
        assert told == commit("2.0.0").commit.revision
        assert fleet.world.weather.calls.count("app_packages.resync") == readings + 1
        await fleet.until(lambda: fleet.all_run("2.0.0"), SOON)


@in_virtual_time
async def test_it_answers_a_word_once_and_after_a_restart_not_again() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    await ask(fleet, "first")
    async with fleet.living():
        async with fleet.controller():
            await fleet.until(lambda: answered(fleet) == "first", SOON)
            fetches = fleet.world.weather.calls.count("source.fetch")
            await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
            assert fleet.world.weather.calls.count("source.fetch") == fetches
        async with fleet.controller():
            await fleet.until(lambda: fleet.world.own.holder != "", SOON)
            before = fleet.world.weather.calls.count("source.fetch")
            assert answered(fleet) == "first"
            assert before == fetches + 1


@in_virtual_time
async def test_it_answers_also_when_the_repository_has_nothing_good() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        fleet.world.repository.commit(broken_commit())

        await ask(fleet, "first")
        controller.wake()
        await fleet.until(lambda: answered(fleet) == "first", SOON)

        [source, *_] = fleet.world.own.status.controller.conditions
        assert source.reason == "InvalidDesiredState"
