"""A release that fails somewhere, with a whole controller, in virtual time."""

from datetime import timedelta

from reconciler.model.condition import ConditionType
from reconciler.model.identity import HostName, Version
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


def fails(_: FakeAgent, __: Order) -> Run:
    return Run(exit_code=15, stderr="service did not start: 1.0.0 is back and runs")


@in_virtual_time
async def test_what_was_touched_goes_back_as_soon_as_a_release_is_given_up() -> None:
    """Nobody tells a controller what it has just written itself: it looks again by itself."""
    first = str(small_fleet.files("1.0.0")[RELEASE])
    second = str(small_fleet.files("2.0.0")[RELEASE]).replace("{max_in_flight: 10}", ROLLOUT)
    fleet = Simulation.of(commit("1.0.0", changes={RELEASE: first}))
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"), SOON)
        fleet.agents[OTHER].scripted[INSTALL].append(fails)
        fleet.world.repository.commit(commit("2.0.0", changes={RELEASE: second}))
        controller.wake_source()
        await fleet.until(lambda: bool(fleet.world.own.quarantine), SOON)

        await fleet.until(lambda: set(fleet.versions().values()) == {"1.0.0"}, SOON)

    assert fleet.installs()[CANARY] == [Version("1.0.0"), Version("2.0.0"), Version("1.0.0")]
    stalled = fleet.condition(ConditionType.STALLED)
    assert stalled is not None
    assert stalled.reason == "Quarantined"
