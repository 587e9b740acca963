"""A world in which reports come late, twice or in another order, and each command is seen."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from random import Random

from reconciler.model.identity import HostName
from reconciler.model.observed import BackendState
from reconciler.model.report import RunFinished, RunStarted
from tests.simulation.deeds import Deeds
from tests.simulation.flaws import Services
from tests.simulation.oracle import Oracle
from tests.simulation.storm import Storm
from tests.support.fake_world import World


@dataclass(kw_only=True)
class Theatre(World):
    """The world of a simulation."""

    chance: Random
    storm: Storm
    oracle: Oracle = field(init=False)
    deeds: Deeds = field(init=False)
    services: Services = field(default_factory=Services)
    spawn: Callable[[Coroutine[object, object, None]], object] = field(init=False)
    """Lets something go on beside everything else."""
    call: Callable[[HostName], object] = field(init=False)
    """Says that a host may have heard something."""

    @property
    def now(self) -> float:
        """The virtual seconds since the beginning."""
        return self.clock.monotonic()

    def backend_state(self) -> BackendState:
        """See `World.backend_state`; one that is being restarted is down."""
        is_there = self.backend is BackendState.NONE or not self.storm.is_down("http.exec")
        return self.backend if is_there else BackendState.DOWN

    def put_command(self, host: HostName, payload: bytes) -> int:
        """See `World.put_command`; once in a while it is delivered twice."""
        self.oracle.put_command(host, payload, self.clock.now())
        sequence = super().put_command(host, payload)
        if not self.storm.calm and self.chance.random() < 0.05 and host in self.commands:
            self.storm.counts["duplicate"] += 1
            self.commands[host](payload)
        self.call(host)
        return sequence

    def report(self, report: RunStarted | RunFinished) -> None:
        """Take a report into the host's outbox; see `World.report`."""
        if isinstance(report, RunStarted):
            self.deeds.begins(report.host, report.request_id)
        else:
            self.deeds.ends(report.host, report.request_id)
        self.spawn(self._deliver(report))

    def _reaches_nats(self, host: HostName) -> bool:
        return host in self.commands and not self.storm.is_down("reports")

    async def _deliver(self, report: RunStarted | RunFinished) -> None:
        """Store it when the host can reach NATS, some time later."""
        await asyncio.sleep(self.chance.uniform(0, 1.5))
        while not self._reaches_nats(report.host):  # noqa: ASYNC110 (it is virtual time that passes)
            await asyncio.sleep(1)
        stored = replace(report, at=self.clock.now())
        super().report(stored)
        if not self.storm.calm and self.chance.random() < 0.05:
            self.storm.counts["duplicate"] += 1
            await asyncio.sleep(self.chance.uniform(0, 30))
            super().report(stored)
