"""A world in which reports come late, twice or in another order, and each command is seen."""

import asyncio
from collections import defaultdict
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

_LONGEST_LAG_SECONDS = 600.0
"""How long a start may be on its way; it is told beside the outbox, and so in any order."""
_STUCK_SECONDS = 60.0
"""How long a host's outbox may be stuck; what leaves it is in order."""
_OFTEN = 0.05
"""How many commands and reports come twice."""


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
    outboxes: defaultdict[HostName, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

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
        if host in self.commands and self.storm.hits("duplicate", _OFTEN):
            self.commands[host](payload)
        self.call(host)
        return sequence

    def report(self, report: RunStarted | RunFinished) -> None:
        """Take a report into the host's outbox; see `World.report`. A start may get lost."""
        if isinstance(report, RunFinished):
            self.deeds.ends(report.host, report.request_id)
            self.spawn(self._drain(report))
            return
        self.deeds.begins(report.host, report.request_id)
        if not self.storm.hits("start-lost", self.storm.climate.lag_rate / 3):
            self.spawn(self._tell(report))

    def _reaches_nats(self, host: HostName) -> bool:
        return host in self.commands and not self.storm.is_down("reports")

    async def _drain(self, report: RunFinished) -> None:
        """Let a result leave its host's outbox, after those before it."""
        async with self.outboxes[report.host]:
            if self.storm.hits("outbox-stuck", self.storm.climate.lag_rate / 3):
                await asyncio.sleep(self.chance.uniform(0, _STUCK_SECONDS))
            stored = await self._deliver(report)
        await self._repeat(stored)

    async def _tell(self, report: RunStarted) -> None:
        """Tell of a start, however late; other runs may have begun and ended by then."""
        if self.storm.hits("start-late", self.storm.climate.lag_rate):
            await asyncio.sleep(self.chance.uniform(0, _LONGEST_LAG_SECONDS))
        await self._repeat(await self._deliver(report))

    async def _deliver(self, report: RunStarted | RunFinished) -> RunStarted | RunFinished:
        """Store it when the host can reach NATS, some time later."""
        await asyncio.sleep(self.chance.uniform(0, 1.5))
        while not self._reaches_nats(report.host):  # noqa: ASYNC110 (it is virtual time that passes)
            await asyncio.sleep(1)
        stored = replace(report, at=self.clock.now())
        super().report(stored)
        return stored

    async def _repeat(self, stored: RunStarted | RunFinished) -> None:
        """Deliver it once more, once in a while: its acknowledgement was lost."""
        if self.storm.hits("duplicate", _OFTEN):
            await asyncio.sleep(self.chance.uniform(0, 30))
            super().report(stored)
