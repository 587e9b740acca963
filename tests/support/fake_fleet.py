"""The fakes of the hosts, of the ways to send a command, and of what agents report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from reconciler.errors import HostOffline, KanadeRefused, KanadeUnavailable
from reconciler.kanade.codec import Heartbeat
from reconciler.kanade.command import command_payload
from reconciler.kanade.names import commands_of, logs_of
from reconciler.kanade.presence import Roll
from reconciler.model.attempt import Attempt
from reconciler.model.identity import (
    ExecId,
    HostName,
    JobId,
    Json,
    ObjectRef,
    RequestId,
    Version,
    WishId,
)
from reconciler.model.observed import Freeze, HostState, Presence, Slot
from reconciler.model.report import Execution, RunFinished, RunStarted
from reconciler.ports import Clock, Delivery
from tests.support.fake_agents import read_order
from tests.support.fake_world import World

_ANSWERS_WITHIN = timedelta(seconds=5)


class FakeFleet:
    """Implements `ports.Fleet`; who is there follows from heartbeats and the clock."""

    def __init__(self, world: World, clock: Clock | None = None) -> None:
        self._world = world
        self._roll = Roll(clock or world.clock)
        self._roll.listen(connected=True)
        self._slots: Mapping[HostName, Slot] = {}
        self._groups = dict(world.groups)
        self._freeze = Freeze(frozen=False)
        self.killed: list[ExecId] = []
        world.heartbeats.append(self._hear)

    async def refresh(self) -> None:
        async with self._world.weather.around("fleet.refresh"):
            self._look()

    async def resync(self) -> None:
        async with self._world.weather.around("fleet.resync"):
            self._look()

    def hosts(self) -> Mapping[HostName, HostState]:
        return self._roll.states(self._groups)

    def slots(self) -> Mapping[HostName, Slot]:
        return self._slots

    def presence(self, host: HostName) -> Presence:
        return self._roll.presence(host)

    def slot_sequence(self, host: HostName) -> int:
        kept = self._world.slots.get(host)
        return kept.sequence if kept is not None else 0

    def freeze(self) -> Freeze:
        return self._freeze

    async def ping(self, hosts: frozenset[HostName]) -> None:
        async with self._world.weather.around("fleet.ping", hosts):
            for host in sorted(hosts):
                answer = self._world.pings.get(host)
                heartbeat = answer() if answer is not None else None
                if heartbeat is not None:
                    self._hear(heartbeat)
                elif answer is None:
                    self._roll.hear_nobody(host)

    async def kill(self, exec_id: ExecId) -> None:
        async with self._world.weather.around("fleet.kill"):
            self.killed.append(exec_id)

    def _hear(self, heartbeat: Heartbeat) -> None:
        if self._roll.hear(heartbeat):
            self._world.changed()

    def _look(self) -> None:
        self._groups, self._freeze = dict(self._world.groups), self._world.freeze
        slots: dict[HostName, Slot] = {}
        for host, kept in self._world.slots.items():
            order = read_order(kept.payload)
            slots[host] = Slot(
                sequence=kept.sequence,
                at=kept.at,
                request_id=order.request_id,
                exec_id=order.exec_id,
                job=order.job,
                version=order.version,
                script_sha256=order.script_sha256,
            )
        self._slots = slots


class FakeAgentLogs:
    """Implements `ports.AgentLogs`: an agent that answers pings shows its log."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def tail(self, host: HostName, lines: int) -> str:
        logs_of(host)
        async with self._world.weather.around("logs.tail", host):
            if host not in self._world.pings:
                raise HostOffline(f"no agent answers for {host}: it is off, or cut off")
            return "".join(f"{line}\n" for line in self._world.logs[host][-lines:])


class FakeNatsRunner:
    """Implements `ports.Runner` as over NATS: the wish's own id, and the very same bytes."""

    answers_within = _ANSWERS_WITHIN

    def __init__(self, world: World, clock: Clock | None = None) -> None:
        self._world = world
        self._clock = clock or world.clock

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        commands_of(attempt.wish.host)
        return replace(attempt, payload=command_payload(attempt, manifest))

    async def send(self, attempt: Attempt) -> Attempt:
        async with self._world.weather.around("runner.send", attempt):
            payload = attempt.payload.encode()
            sequence = self._world.put_command(attempt.wish.host, payload)
        return replace(
            attempt,
            sent_at=self._clock.now(),
            slot_sequence=sequence,
            request_id=RequestId(attempt.wish_id),
            exec_id=ExecId(attempt.wish_id),
        )


class FakeHttpRunner:
    """Implements `ports.Runner` as through the backend, which makes the ids itself."""

    answers_within = _ANSWERS_WITHIN

    def __init__(self, world: World, clock: Clock | None = None) -> None:
        self._world = world
        self._clock = clock or world.clock

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        del manifest
        deadline = attempt.deadline_at.isoformat()
        payload = {"target": {"pcs": [attempt.wish.host]}, "deadline_at": deadline}
        return replace(attempt, payload=json.dumps(payload))

    async def send(self, attempt: Attempt) -> Attempt:
        async with self._world.weather.around("http.exec", attempt):
            number = self._world.next_sequence()
            kept = self._world.jobs.get(attempt.job)
            if kept is None:
                raise KanadeRefused(f"POST /api/exec/{attempt.job}: there is no such job")
            version = Version(str(kept.manifest["version"]))
            command = {
                **json.loads(command_payload(self._as_kept(attempt, version), kept.manifest)),
                "request_id": f"request-{number}",
                "exec_id": f"exec-{number}",
            }
            self._world.put_command(attempt.wish.host, json.dumps(command).encode())
            exec_id, now = ExecId(f"exec-{number}"), self._world.clock.now()
            row = Execution(id=exec_id, version=version, at=now)
            self._world.executions.append((attempt.job, row))
        if version != attempt.version:
            raise KanadeUnavailable(f"it sent {version} in place of {attempt.version}")
        return replace(attempt, exec_id=exec_id, sent_at=self._clock.now())

    def _as_kept(self, attempt: Attempt, version: Version) -> Attempt:
        """Return what the backend makes of it: the script as it is stored by then."""
        script = self._script_of(attempt.job)
        kept = self._world.stores["scripts"].get(script) if script is not None else None
        digest = kept.stored.digest if kept is not None else None
        return replace(
            attempt,
            wish_id=WishId("made by the backend"),
            version=version,
            script=script,
            script_sha256=digest.hex if digest is not None else None,
        )

    def _script_of(self, job: JobId) -> ObjectRef | None:
        execute = self._world.jobs[job].manifest.get("execute")
        key = execute.get("script_object") if isinstance(execute, dict) else None
        return ObjectRef.parse(key) if isinstance(key, str) else None


class FakeExecutions:
    """Implements `ports.Executions`: a row for each exec, and who has reported of it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def of_job(self, job: JobId) -> Sequence[Execution]:
        async with self._world.weather.around("executions.of_job", job):
            return [row for named, row in reversed(self._world.executions) if named == job]

    async def runs_of(self, exec_id: ExecId) -> Mapping[HostName, RequestId]:
        async with self._world.weather.around("executions.runs_of", exec_id):
            return dict(self._world.runs[exec_id])

    async def result_of(self, attempt: Attempt) -> RunFinished | None:
        async with self._world.weather.around("executions.result_of", attempt.exec_id):
            named = attempt.request_id or RequestId("")
            return self._world.results.get((attempt.wish.host, named))


class FakeReports:
    """Implements `ports.Reports`: all that nobody has acknowledged, each time it is asked."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def take(self) -> Sequence[Delivery]:
        async with self._world.weather.around("reports.take"):
            waiting = list(self._world.reports)
        return [self._delivery(report) for report in waiting]

    def _delivery(self, report: RunStarted | RunFinished) -> Delivery:
        async def acknowledge() -> None:
            async with self._world.weather.around("reports.acknowledge", report):
                if report in self._world.reports:
                    self._world.reports.remove(report)

        return Delivery(report=report, acknowledge=acknowledge)
