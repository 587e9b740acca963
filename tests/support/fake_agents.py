"""Hosts with an agent on them, in memory: they hear commands, keep a ledger, and report.

An agent does nothing by itself: `work` runs what it has heard. Which of kanade's checks come
in which order is as in the embedded fleet, which is held to the real agents.
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.kanade.codec import Heartbeat
from reconciler.kanade.output import last_line, tail
from reconciler.model.desired import Desired
from reconciler.model.digest import Digest
from reconciler.model.identity import (
    ExecId,
    HostName,
    JobId,
    ObjectRef,
    PackageName,
    RequestId,
    ResultId,
    Version,
)
from reconciler.model.report import RunFinished, RunStarted
from tests.support.fake_world import World


@dataclass(frozen=True, kw_only=True)
class Order:
    """A command, as far as an agent looks at it."""

    request_id: RequestId
    exec_id: ExecId
    job: JobId
    version: Version
    deadline_at: datetime | None
    script: ObjectRef | None
    script_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a script did."""

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


_ORPHANED = Run(exit_code=121, stderr="agent restarted during execution; outcome unknown")

Program = Callable[["FakeAgent", Order], Run]
"""What a job's script does on a host."""


@dataclass(kw_only=True)
class FakeAgent:
    """One host: obedient, unless `scripted` has a run for the job."""

    name: HostName
    world: World
    programs: Mapping[JobId, Program] = field(default_factory=dict)
    version: str = "0.101.0"
    clock_off: timedelta = timedelta(0)
    """How far its clock is from the server's."""
    has_ledger: bool = True
    """Agents before the ledger remember requests only until they are restarted."""
    runs: dict[PackageName, tuple[Version, Digest] | None] = field(default_factory=dict)
    """What really runs there."""
    scripted: dict[JobId, deque[Program]] = field(default_factory=lambda: defaultdict(deque))
    """What the next runs of a job do, in place of its program."""
    ledger: dict[RequestId, bytes] = field(default_factory=dict)
    heard: deque[bytes] = field(default_factory=deque)
    started: deque[Order] = field(default_factory=deque)

    def go_online(self) -> None:
        """Connect: be heard of, hear what is sent, and what the slot holds from before."""
        self.world.commands[self.name] = self.heard.append
        self.world.pings[self.name] = self._beat
        slot = self.world.slots.get(self.name)
        if slot is not None:
            self.heard.append(slot.payload)
        self.beat()

    def go_offline(self) -> None:
        """Be gone, with whatever was heard and not begun."""
        self.world.commands.pop(self.name, None)
        self.world.pings.pop(self.name, None)
        self.heard.clear()

    def die(self) -> list[Order]:
        """Be killed; return the runs that nobody watches any more."""
        self.go_offline()
        orphans = list(self.started)
        self.started.clear()
        if not self.has_ledger:
            self.ledger.clear()
        return orphans

    def revive(self, orphans: list[Order]) -> None:
        """Start again: say of each run that was under way that nobody knows how it ended."""
        self.go_online()
        for order in orphans if self.has_ledger else ():
            self._finished(order, _ORPHANED, skipped=False)

    def beat(self) -> None:
        """Send a heartbeat to whoever listens."""
        for hear in list(self.world.heartbeats):
            hear(self._beat())

    def work(self) -> int:
        """Run everything that was heard, to its end; return how many runs that were."""
        self.begin()
        count = len(self.started)
        while self.started:
            self.finish()
        return count

    def begin(self) -> None:
        """Take in what was heard: each request once, and only what passes kanade's checks."""
        while self.heard:
            self.begin_next()

    def begin_next(self) -> None:
        """Take in the one command that was heard first."""
        payload = self.heard.popleft()
        order = read_order(payload)
        if order.request_id in self.ledger:
            return
        self.ledger[order.request_id] = payload
        skip = self._skip(order)
        if skip is not None:
            self._finished(order, skip, skipped=True)
        else:
            self.started.append(order)
            self._started(order)

    def finish(self) -> None:
        """End the run that began first."""
        order = self.started.popleft()
        trouble = self._fetch(order)
        self._finished(order, trouble or self.run(order), skipped=False)

    def run(self, order: Order) -> Run:
        """Do what the script of *order* does; say what it says."""
        queue = self.scripted[order.job]
        program = queue.popleft() if queue else self.programs.get(order.job)
        return program(self, order) if program is not None else Run()

    def _skip(self, order: Order) -> Run | None:
        pin = self.world.pins.get(order.job)
        if pin is not None and pin != order.version:
            message = f"skipped: version-pin mismatch: {pin}, command brought {order.version}"
            return Run(exit_code=124, stderr=message)
        if order.job in self.world.revoked:
            return Run(exit_code=126, stderr="skipped: command was revoked")
        if (
            order.deadline_at is not None
            and self.world.clock.now() + self.clock_off > order.deadline_at
        ):
            return Run(exit_code=125, stderr="skipped: starting deadline expired")
        return None

    def _fetch(self, order: Order) -> Run | None:
        """Return why the script object cannot be run, or `None`."""
        if order.script is None:
            return None
        kept = self.world.stores["scripts"].get(order.script)
        if kept is None:
            message = f"object_store.get {order.script}: object not found"
            return Run(exit_code=-1, stderr=message)
        if Digest.of(kept.data).hex != order.script_sha256:
            return Run(exit_code=-1, stderr=f"script_object '{order.script}' sha256 mismatch")
        return None

    def _beat(self) -> Heartbeat:
        return Heartbeat(pc_id=self.name, agent_version=self.version, os_family="linux")

    def _started(self, order: Order) -> None:
        self.world.report(
            RunStarted(
                result_id=_result_id(order, self.name),
                request_id=order.request_id,
                exec_id=order.exec_id,
                host=self.name,
                job=order.job,
                version=order.version,
                at=self.world.clock.now(),
            )
        )

    def _finished(self, order: Order, run: Run, *, skipped: bool) -> None:
        self.world.report(
            RunFinished(
                result_id=_result_id(order, self.name),
                request_id=order.request_id,
                exec_id=order.exec_id,
                host=self.name,
                job=order.job,
                exit_code=run.exit_code,
                skipped=skipped,
                last_line=last_line(run.stdout),
                stdout_tail=tail(run.stdout),
                stderr_tail=tail(run.stderr),
                at=self.world.clock.now(),
            )
        )


def read_order(payload: bytes) -> Order:
    """Read a command."""
    command = json.loads(payload)
    deadline = command.get("deadline_at")
    script = command.get("script_object")
    return Order(
        request_id=RequestId(command["request_id"]),
        exec_id=ExecId(command["exec_id"]),
        job=JobId(command["id"]),
        version=Version(command["version"]),
        deadline_at=datetime.fromisoformat(deadline) if deadline is not None else None,
        script=ObjectRef.parse(script) if script is not None else None,
        script_sha256=command.get("script_object_sha256"),
    )


def obedient(desired: Desired) -> dict[JobId, Program]:
    """Return programs that do what the jobs of *desired* are there for."""
    programs: dict[JobId, Program] = {}
    for release in desired.releases:
        programs[release.job.id] = _installs(release.package)
        if release.verify.probe is not None:
            programs[release.verify.probe.job] = probes(release.package)
    return programs


def _installs(package: PackageName) -> Program:
    def install(agent: FakeAgent, order: Order) -> Run:
        ref = ObjectRef(package, order.version)
        kept = agent.world.stores["app_packages"].get(ref)
        if kept is None:
            return Run(exit_code=1, stderr=f"download failed: there is no {ref}")
        agent.runs[package] = (order.version, Digest.of(kept.data))
        return Run(stdout=f"{package} {order.version}\n")

    return install


def probes(package: PackageName) -> Program:
    def probe(agent: FakeAgent, order: Order) -> Run:
        del order
        found = agent.runs.get(package)
        if found is None:
            return Run(stdout=f"{package} absent\n")
        return Run(stdout=f"{package} {found[0]} sha256={found[1].hex} running\n")

    return probe


def _result_id(order: Order, host: HostName) -> ResultId:
    return ResultId(f"result/{order.request_id}/{host}")
