"""What the tool's two jobs do on a host, for good versions and for bad ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model.digest import Digest
from reconciler.model.identity import JobId, ObjectRef, Version
from tests.simulation.deeds import Effect
from tests.simulation.facts import wanted_digest
from tests.simulation.flaws import Flaw
from tests.simulation.hosts import INSTALL, PROBE, TOOL
from tests.simulation.theatre import Theatre
from tests.support.fake_agents import FakeAgent, Order, Program, Run, probes

Runs: TypeAlias = tuple[Version, Digest] | None


@dataclass(frozen=True, kw_only=True)
class Tool:
    """Its deploy script and its probe; each effect is seen."""

    theatre: Theatre
    idempotent: bool

    def programs(self) -> Mapping[JobId, Program]:
        """Return what an agent is to do for which job."""
        return {INSTALL: self.install, PROBE: self.probe}

    def install(self, agent: FakeAgent, order: Order) -> Run:
        """Fetch the bytes, look at them, and put them in place."""
        services, wanted = self.theatre.services, wanted_digest(order.version)
        wrong = self._fetch(order, wanted)
        if wrong is not None:
            return wrong
        flaw = services.flaws.get((order.version, agent.name))
        if flaw is Flaw.FAILS:
            return Run(exit_code=1, stderr="its data cannot be migrated")
        if flaw is Flaw.LIES:
            self.theatre.deeds.unforeseen.add(agent.name)
            return Run(stdout=f"tool {order.version}\n")
        is_up = agent.name not in services.stopped
        runs_it = agent.runs.get(TOOL) == (order.version, wanted) and is_up
        if not (self.idempotent and runs_it):
            before = agent.runs.get(TOOL)
            self._swap(agent, order, needless=runs_it)
            self._suffers(agent, order.version, before)
        if agent.name in services.stopped:
            return Run(exit_code=1, stderr="its service did not start")
        return Run(stdout=f"tool {order.version}\n")

    def probe(self, agent: FakeAgent, order: Order) -> Run:
        """Say what runs, or does not."""
        said = probes(TOOL)(agent, order)
        if agent.name not in self.theatre.services.stopped:
            return said
        return replace(said, stdout=said.stdout.replace("running", "stopped"))

    def _fetch(self, order: Order, wanted: Digest) -> Run | None:
        """Return how the script ends where the bytes are not to be had."""
        ref = ObjectRef(TOOL, order.version)
        kept = self.theatre.stores["app_packages"].get(ref)
        if kept is None:
            return Run(exit_code=1, stderr=f"download failed: there is no {ref}")
        found = Digest.of(kept.data)
        if found != wanted:
            return Run(exit_code=1, stderr=f"sha256 mismatch: expected={wanted} actual={found}")
        return None

    def _swap(self, agent: FakeAgent, order: Order, *, needless: bool) -> None:
        agent.runs[TOOL] = (order.version, wanted_digest(order.version))
        self.theatre.services.is_replaced(agent.name)
        effect = Effect(
            host=agent.name,
            request_id=order.request_id,
            version=order.version,
            at=self.theatre.clock.now(),
            needless=needless,
        )
        self.theatre.deeds.changes(effect)

    def _suffers(self, agent: FakeAgent, version: Version, before: Runs) -> None:
        """Let the service that has just been replaced come up, or not, or not for long."""
        services, theatre = self.theatre.services, self.theatre
        flaw = services.flaws.get((version, agent.name))
        if flaw is Flaw.DOES_NOT_START:
            services.stopped.add(agent.name)
        elif flaw is Flaw.TURNS_BAD:
            turns_at = theatre.now + theatre.chance.uniform(0, 300)
            services.sick_from[agent.name] = version, turns_at
        elif flaw is Flaw.GOES_BACK and before is not None and before[0] != version:
            theatre.spawn(self._goes_back(agent, before))

    async def _goes_back(self, agent: FakeAgent, before: Runs) -> None:
        after = agent.runs.get(TOOL)
        await asyncio.sleep(self.theatre.chance.uniform(5, 60))
        if agent.runs.get(TOOL) == after:
            agent.runs[TOOL] = before
            self.theatre.deeds.trace.tell(agent.name, "goes back by itself")
            self.theatre.deeds.unforeseen.add(agent.name)
            if not agent.has_ledger:
                self.theatre.deeds.is_undone(agent.name)
