"""A crash at any call, before or after its effect, changes nothing but the time it takes."""

import asyncio
from datetime import timedelta

import pytest

from reconciler.model.observed import BackendState
from tests.support.fake_world import Crash
from tests.support.simulation import Simulation
from tests.support.small_fleet import commit
from tests.support.virtual_time import VirtualLoop

pytestmark = pytest.mark.slow

_LONGEST = timedelta(minutes=30)


async def _live(number: int, backend: BackendState, *, after: bool) -> list[str]:
    """Let a fleet converge, the controller dying once at the call of that *number*.

    Returns the calls that it took.
    """
    fleet = Simulation.of(commit("1.0.0"))
    fleet.world.backend = backend
    if number:
        fleet.world.weather.strike(number, Crash(), after=after)
    async with fleet.living():
        while not fleet.all_run("1.0.0"):
            await _one_life(fleet)
            fleet.world.crash()
    where = f"crash {'after' if after else 'before'} call {number}"
    assert set(map(tuple, fleet.installs().values())) == {("1.0.0",)}, where
    assert fleet.world.own.packages.keys() <= fleet.world.stores["app_packages"].keys(), where
    assert fleet.world.own.scripts.keys() <= fleet.world.stores["scripts"].keys(), where
    assert fleet.world.reports == [], where
    kinds = [event.kind for event in fleet.world.own.events]
    assert (kinds.count("Converged"), kinds.count("RevisionApplied")) == (1, 1), where
    return fleet.world.weather.calls


async def _one_life(fleet: Simulation) -> None:
    """Run a controller until the fleet has converged, or until it dies."""
    life = asyncio.ensure_future(fleet.start().controller().run())
    goal = asyncio.ensure_future(fleet.until(lambda: fleet.all_run("1.0.0"), _LONGEST))
    await asyncio.wait({life, goal}, return_when=asyncio.FIRST_COMPLETED)
    for task in (life, goal):
        task.cancel()
    ends = await asyncio.gather(life, goal, return_exceptions=True)
    assert not isinstance(ends[1], TimeoutError), "it does not converge"
    assert _is_death(ends[0]), ends[0]


def _is_death(end: BaseException | None) -> bool:
    if isinstance(end, BaseExceptionGroup):
        return all(_is_death(error) for error in end.exceptions)
    return isinstance(end, Crash | asyncio.CancelledError)


_READS = ("refresh", "resync", "sweep", "state", "schema", "take", "ping", "open", "fetch", "check")


@pytest.mark.parametrize(
    ("backend", "after"),
    [(BackendState.NONE, False), (BackendState.NONE, True), (BackendState.UP, True)],
)
def test_a_crash_at_any_call_is_survived(backend: BackendState, *, after: bool) -> None:
    """Reading changes nothing: to die at it is to die before the next effect."""
    calls = _run(0, backend, after=after)
    effects = [number for number, call in enumerate(calls, 1) if not call.endswith(_READS)]
    assert len(effects) > 30
    for number in effects:
        _run(number, backend, after=after)


def _run(number: int, backend: BackendState, *, after: bool) -> list[str]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_live(number, backend, after=after))
