"""Hosts that live by themselves: they beat, take their time, die in the middle, and come back."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from reconciler.model.identity import HostName, JobId, PackageName
from tests.simulation.climate import Climate
from tests.simulation.theatre import Theatre
from tests.support.fake_agents import FakeAgent, Order

TOOL = PackageName("tool")
INSTALL, PROBE = JobId("install-tool"), JobId("probe-tool")
_HEARTBEAT = 30.0


@dataclass(kw_only=True, eq=False)
class SimulatedHost:
    """An agent, and what a person could do to its machine."""

    agent: FakeAgent
    theatre: Theatre
    climate: Climate
    chance: Random
    orphans: list[Order] = field(default_factory=list)
    is_dead: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be something to do."""

    @property
    def name(self) -> HostName:
        """Who it is."""
        return self.agent.name

    @property
    def is_there(self) -> bool:
        """Tell whether it can be reached."""
        return self.name in self.theatre.commands

    @property
    def rests(self) -> bool:
        """Tell whether it has nothing to do."""
        return not (self.agent.heard or self.agent.started)

    def go(self) -> None:
        """Lose the network."""
        if self.is_there:
            self.agent.go_offline()
            self.theatre.oracle.goes(self.name)

    def come(self) -> None:
        """Have it again."""
        if self.is_dead:
            self.is_dead = False
            self.agent.revive(self.orphans)
        elif not self.is_there:
            self.agent.go_online()
        self.theatre.oracle.comes(self.name)
        self.called.set()

    def die(self) -> None:
        """Lose the agent: what it was running has had its effect, or never will."""
        if self.is_dead:
            return
        self.orphans, self.is_dead = self.agent.die(), True
        for order in self.orphans:
            if self.chance.random() < 0.5:
                self.agent.run(order)
            self.theatre.deeds.ends(self.name, order.request_id)
        self.theatre.oracle.goes(self.name)

    async def beat(self) -> None:
        """Send heartbeats while there is a network."""
        await asyncio.sleep(self.chance.uniform(0, _HEARTBEAT))
        while True:
            if self.is_there and not self.theatre.storm.is_down("heartbeat"):
                self.agent.beat()
            await asyncio.sleep(_HEARTBEAT)

    async def work(self) -> None:
        """Run what is heard, one after the other."""
        while True:
            await self.called.wait()
            self.called.clear()
            while not self.rests:
                await asyncio.sleep(self.chance.uniform(0.1, 1))
                if self.agent.heard:
                    self.agent.begin_next()
                if self.agent.started:
                    await asyncio.sleep(self._run_seconds())
                if self.agent.started:
                    self.agent.finish()

    def _run_seconds(self) -> float:
        """Return how long a run takes: less than its job's timeout."""
        is_probe = self.agent.started[0].job == PROBE
        longest = self.climate.probe_seconds if is_probe else self.climate.run_seconds
        return self.chance.uniform(0.1, longest)
