"""The fake of the agents' own releases over a `World`: who is told to run which of them."""

from collections.abc import Mapping

from reconciler.errors import KanadeRefused
from reconciler.model.identity import HostName, Version
from reconciler.model.observed import AgentTarget
from tests.support.fake_world import World


class FakeAgents:
    """Implements `ports.Agents` and `ports.AgentRollout`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._look()

    async def refresh(self) -> None:
        async with self._world.weather.around("agents.refresh"):
            self._look()

    async def resync(self) -> None:
        async with self._world.weather.around("agents.resync"):
            self._look()

    def releases(self) -> frozenset[Version]:
        return self._releases

    def targets(self) -> Mapping[HostName, AgentTarget]:
        return self._targets

    async def roll_out(self, host: HostName, version: Version) -> None:
        async with self._world.weather.around("agents.roll_out", host):
            if version not in self._world.agent_releases:
                raise KanadeRefused(f"there is no agent release {version}")
            told = AgentTarget(version=version, at=self._world.clock.now())
            self._world.agent_targets[host] = told

    def _look(self) -> None:
        self._releases = frozenset(self._world.agent_releases)
        self._targets = dict(self._world.agent_targets)
