"""Everything that takes part in one seed, and what it stands on."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName, JobId
from tests.simulation.brakes import Brakes
from tests.simulation.climate import Climate
from tests.simulation.deeds import Deeds
from tests.simulation.facts import wanted_digest
from tests.simulation.flaws import Flaw
from tests.simulation.hosts import INSTALL, PROBE, TOOL, SimulatedHost
from tests.simulation.lives import Seat
from tests.simulation.oracle import Oracle
from tests.simulation.people import TOOL_RELEASE, People
from tests.simulation.policy import EARLY, Policy
from tests.simulation.storm import Storm
from tests.simulation.theatre import Theatre
from tests.simulation.trace import Trace, Violation
from tests.support.small_fleet import commit, files

_SPARE = """\
id: spare
version: "1"
execute: {shell: sh, script: "true", timeout: 30s, run_as: system}
"""
SPARE = JobId("spare")


@dataclass(kw_only=True)
class Play:
    """One seed; `scenes.py` says what happens."""

    chance: Random
    climate: Climate
    trace: Trace
    storm: Storm
    theatre: Theatre
    oracle: Oracle
    deeds: Deeds
    hosts: dict[HostName, SimulatedHost] = field(default_factory=dict)
    seats: list[Seat] = field(default_factory=list)
    people: People = field(init=False)
    scene: Callable[["Play"], Coroutine[object, object, None]]
    version: str = ""
    probe_version: int = 1
    flaw: Flaw | None = None
    """What is wrong with the last version, on some host."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _group: asyncio.TaskGroup | None = None

    def __post_init__(self) -> None:
        self.people = People(play=self)

    @property
    def now(self) -> float:
        """The virtual seconds since the beginning."""
        return asyncio.get_running_loop().time()

    def some_host(self) -> SimulatedHost:
        """Return one of the hosts."""
        return self.chance.choice(list(self.hosts.values()))

    def spawn(self, task: Coroutine[object, object, None]) -> object:
        """Let *task* go on beside everything else."""
        assert self._group is not None
        return self._group.create_task(task)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something after *seconds*."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            call()

        self.spawn(wait())

    def commit_next(self) -> None:
        """Ask for the next version."""
        self.flaw = None
        self.version = f"{next(self._numbers)}.0.0"
        self.trace.tell("git", f"asks for {self.version}")
        found = commit(self.version).files["releases/tool.yaml"].content or b""
        release = self.climate.policy.written(found.decode())
        changes = {"releases/tool.yaml": release, **self._jobs(), **self._labels()}
        snapshot = commit(self.version, list(self.hosts), changes)
        self.theatre.repository.commit(snapshot)
        self.people.see(self.version, snapshot)
        for seat in self.seats:
            seat.look()

    def _jobs(self) -> dict[str, str]:
        """Return jobs that change in some commits: the probe, and one that comes and goes."""
        self.probe_version += self.chance.random() < 0.4
        probe = str(files("")["jobs/probe-tool.yaml"])
        written = {
            "jobs/probe-tool.yaml": probe.replace(
                'version: "1"', f'version: "{self.probe_version}"'
            )
        }
        if self.chance.random() < 0.5:
            written["jobs/spare.yaml"] = _SPARE
        wanted = {INSTALL, PROBE, *([SPARE] if len(written) > 1 else [])}
        self.oracle.supplies.asks_for_jobs(self.now, wanted)
        return written

    def _labels(self) -> dict[str, str]:
        """Return the hosts, those with a label that go early."""
        fleet = str(files("", list(self.hosts))["hosts/fleet.yaml"])
        for host in self.policy.early:
            plain = f"name: {host}, labels: {{role: tool"
            fleet = fleet.replace(plain, f"{plain}, ring: {EARLY}")
        return {"hosts/fleet.yaml": fleet}

    def commit_any(self) -> None:
        """Ask for the next version, which may be bad, for all hosts or for some of them."""
        self.commit_next()
        if self.chance.random() < 0.5:
            hosts = [host for host in self.hosts if self.chance.random() < 0.5]
            self.spoil(hosts if hosts and self.chance.random() < 0.5 else self.hosts)

    def spoil(self, hosts: Iterable[HostName]) -> None:
        """Let the last version be a bad one, for *hosts*."""
        flaw = self.flaw = self.chance.choice(list(Flaw))
        self.trace.tell("git", f"{self.version} {flaw} on {', '.join(hosts)}")
        self.theatre.services.spoil(self.version, hosts, flaw)

    @property
    def policy(self) -> Policy:
        """How careful the release is."""
        return self.climate.policy

    @property
    def brakes(self) -> Brakes:
        """The rules that follow from it."""
        return self.oracle.brakes

    def needed(self) -> set[str]:
        """Return the versions that some host is known to run, or that the last commit asks for."""
        known = [host for name, host in self.hosts.items() if name not in self.deeds.unforeseen]
        runs = (host.agent.runs.get(TOOL) for host in known)
        return {self.version, *(str(found[0]) for found in runs if found is not None)}

    async def act(self) -> None:
        """Let hosts and controllers live for as long as the scene lasts."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for host in self.hosts.values():
                self.spawn(host.beat())
                self.spawn(host.work())
            for seat in self.seats:
                self.spawn(seat.keep())
                self.spawn(seat.look_often())
            try:
                await self.scene(self)
            finally:
                for seat in self.seats:
                    seat.kill()
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()

    async def sleep(self, seconds: float) -> None:
        """Wait, or end with the first rule that is broken."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.trace.broken.wait()
                raise Violation(self.trace.violations[0])

    def has_converged(self) -> bool:
        """Tell whether every host runs the last version and rests, and the status says so."""
        wanted = (self.version, wanted_digest(self.version))
        return (
            all(host.agent.runs.get(TOOL) == wanted and host.rests for host in self.hosts.values())
            and self.told().startswith(f"True {self.version} ")
            and not self.theatre.reports
        )

    def is_at_rest(self) -> bool:
        """Tell whether nobody will do anything more without a person, or without a new fact."""
        rests = all(host.rests for host in self.hosts.values())
        return rests and (self.is_held() or self.told().startswith("True "))

    def left_behind(self) -> list[HostName]:
        """Return the hosts that are on a bad version, and were on a good one before."""
        services, brakes = self.theatre.services, self.brakes
        on_bad = [
            host.name
            for host in self.hosts.values()
            if services.flaw_of(host.agent.runs.get(TOOL), host.name) is not None
        ]
        return [host for host in on_bad if brakes.should_be_back(self.version, host)]

    def told(self) -> str:
        """Return what the status says of the release."""
        told = self.theatre.own.releases.get(TOOL_RELEASE)
        if told is None:
            return "nothing is told"
        ready = next(one for one in told.conditions if one.type is ConditionType.READY)
        return f"{ready.status} {told.version} {ready.reason}: {ready.message}"

    def is_held(self) -> bool:
        """Tell whether the release waits for a person."""
        told = self.theatre.own.releases.get(TOOL_RELEASE)
        conditions = told.conditions if told is not None else ()
        return any(
            one.type is ConditionType.STALLED and one.status is Truth.TRUE for one in conditions
        )
