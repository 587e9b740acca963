"""A world that lives by itself in virtual time, with controllers that come and go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Self

from reconciler.controller import Controller
from reconciler.desired.load import load
from reconciler.model.condition import Condition, ConditionType
from reconciler.model.identity import HostName, JobId, ReleaseName, SecretName, Version
from reconciler.model.snapshot import Snapshot
from reconciler.plan.terms import Terms
from reconciler.ports import Onlooker
from reconciler.source.trigger import PendingWake
from tests.support.fake_agents import FakeAgent, read_order
from tests.support.fake_world import World
from tests.support.fakes import Fakes, connect, populate
from tests.support.virtual_time import LoopClock

TOOL = ReleaseName("tool")
INSTALL = JobId("install-tool")
_HEARTBEAT = 30.0


@dataclass(kw_only=True)
class Simulation:
    """The small fleet, its hosts at work: a run takes *run_seconds* from its send to its end."""

    world: World
    agents: dict[HostName, FakeAgent]
    run_seconds: float = 2.0
    terms: Terms = field(default_factory=Terms)
    bell: PendingWake = field(default_factory=PendingWake)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Return a fleet whose repository has *snapshot* and that has nothing installed."""
        world = World(clock=LoopClock())
        world.secrets[SecretName("tool-token")] = "a viewer's token"
        world.repository.commit(snapshot)
        return cls(world=world, agents=populate(world, load(snapshot)))

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Let hosts beat and work for as long as the context lasts."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._beat()), group.create_task(self._work())]
            yield
            for task in tasks:
                task.cancel()

    @asynccontextmanager
    async def controller(
        self, instance: str = "one", *onlookers: Onlooker
    ) -> AsyncIterator[Controller]:
        """Run a controller; at the end of the context it is asked to stop, and waited for."""
        started = self.start(instance)
        controller = replace(started, work=replace(started.work, onlookers=onlookers)).controller()
        async with asyncio.TaskGroup() as group:
            group.create_task(controller.run())
            yield controller
            controller.stop()

    def start(self, instance: str = "one") -> Fakes:
        """Return what a controller that starts has; its fleet's silence is as old as it is."""
        return connect(self.world, instance, self.terms)

    async def until(self, true: Callable[[], bool], within: timedelta = timedelta(hours=1)) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(within.total_seconds()):
            while not true():  # noqa: ASYNC110 (it is virtual time that passes)
                await asyncio.sleep(1)

    def all_run(self, version: str) -> bool:
        """Tell whether every host really runs *version*, and the status says that it is proved."""
        ready = self.condition(ConditionType.READY)
        told = self.world.own.status.releases.get(TOOL)
        return (
            self.versions() == dict.fromkeys(self.agents, version)
            and (ready is not None and ready.status == "True")
            and (told is not None and told.version == version)
        )

    def versions(self) -> dict[HostName, Version | None]:
        """Return what really runs where."""
        found = {name: list(agent.runs.values()) for name, agent in self.agents.items()}
        return {
            name: runs[0][0] if runs and runs[0] is not None else None
            for name, runs in found.items()
        }

    def installs(self) -> dict[HostName, list[Version]]:
        """Return which versions each host was really told to install, in order."""
        return {
            name: [
                order.version
                for order in map(read_order, agent.ledger.values())
                if order.job == INSTALL
            ]
            for name, agent in self.agents.items()
        }

    def condition(self, kind: ConditionType) -> Condition | None:
        """Return a condition of the tool's, or of the controller's, as it was told last."""
        status = self.world.own.status
        release = status.releases.get(TOOL)
        told = (*status.controller.conditions, *(release.conditions if release else ()))
        return next((item for item in told if item.type is kind), None)

    async def _beat(self) -> None:
        while True:
            for name, agent in self.agents.items():
                if name in self.world.commands:
                    agent.beat()
            await asyncio.sleep(_HEARTBEAT)

    async def _work(self) -> None:
        while True:
            for agent in self.agents.values():
                agent.begin()
            busy = [agent for agent in self.agents.values() if agent.started]
            await asyncio.sleep(self.run_seconds if busy else 1)
            for agent in busy:
                while agent.started:
                    agent.finish()
