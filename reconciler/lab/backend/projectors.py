"""What keeps the projections up to date."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from nats.aio.msg import Msg

from reconciler.lab import names, wire
from reconciler.lab.backend.audit import AuditRow
from reconciler.lab.backend.follow import follow
from reconciler.lab.backend.projection import ExecutionRow
from reconciler.lab.backend.state import State
from reconciler.lab.objects import whole

_SAVE_SECONDS = 1.0


class Projectors:
    """Reads the streams for ever."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._timeouts: dict[str, timedelta] = {}

    async def run(self, ready: asyncio.Event) -> None:
        """Project until cancelled; set *ready* once everything old is taken in."""
        state = self._state
        await state.client.subscribe("heartbeat.>", cb=self._heartbeat)
        await state.client.subscribe(f"$KV.{names.JOBS}.>", cb=self._job)
        for value in (await state.jobs.entries()).values():
            self._learn(value)
        sources = (
            (names.AUDIT, "audit.>", self._audit),
            (names.EVENTS, "events.started.>", self._started),
            (names.RESULTS, "results.>", self._result),
        )
        async with asyncio.TaskGroup() as tasks:
            for stream, subject, take in sources:
                # One after the other: a run whose end came before its beginning has no version.
                caught_up = asyncio.Event()
                tasks.create_task(follow(state.client, stream, subject, take, caught_up))
                await caught_up.wait()
            tasks.create_task(self._reap())
            tasks.create_task(self._save())
            ready.set()

    async def _heartbeat(self, message: Msg) -> None:
        try:
            self._state.hosts.heard(wire.document(message.data))
        except (ValueError, KeyError) as error:
            _unreadable(message, error)

    async def _job(self, message: Msg) -> None:
        self._learn(message.data)

    def _learn(self, value: bytes) -> None:
        try:
            manifest = wire.document(value)
            execute = manifest.get("execute")
            timeout = execute.get("timeout") if isinstance(execute, dict) else None
            self._timeouts[str(manifest["id"])] = wire.duration(str(timeout))
        except (ValueError, KeyError):
            return

    async def _audit(self, message: Msg) -> None:
        try:
            entry = wire.document(message.data)
            sequence = message.metadata.sequence.stream
            self._state.audit.rows.append(AuditRow(id=sequence, entry=entry))
            if entry["action"] == "exec":
                self._execution(entry)
        except (ValueError, KeyError) as error:
            _unreadable(message, error)

    def _execution(self, entry: wire.Document) -> None:
        payload = entry["payload"]
        if not isinstance(payload, dict):
            return
        execution = ExecutionRow(
            exec_id=str(payload["exec_id"]),
            job_id=str(entry["target"]),
            version=str(payload["version"]),
            initiated_by=str(entry["actor"]),
            initiated_at=str(entry["occurred_at"]),
            target_count=int(str(payload["target_count"])),
        )
        self._state.projection.executions.setdefault(execution.exec_id, execution)

    async def _started(self, message: Msg) -> None:
        try:
            event = wire.document(message.data)
            timeout = self._timeouts.get(str(event["manifest_id"]))
            expires_at = None
            if timeout is not None:
                slack = timedelta(seconds=self._state.settings.reap_slack_seconds)
                expires_at = message.metadata.timestamp.astimezone(UTC) + timeout + slack
            self._state.projection.begun(event, expires_at)
        except (ValueError, KeyError) as error:
            _unreadable(message, error)

    async def _result(self, message: Msg) -> None:
        try:
            result = wire.document(message.data)
            for stream in ("stdout", "stderr"):
                key = result.get(f"{stream}_object")
                if isinstance(key, str):
                    result[stream] = await self._output(key)
            self._state.projection.ended(result)
        except (ValueError, KeyError) as error:
            _unreadable(message, error)

    async def _output(self, key: str) -> str:
        store = self._state.store(names.RESULT_OUTPUT)
        stored = await store.info(key)
        if stored is None or stored.deleted:
            return ""
        return (await whole(store.blocks(stored))).decode(errors="replace")

    async def _reap(self) -> None:
        while True:
            self._state.projection.reap(datetime.now(UTC))
            await asyncio.sleep(self._state.settings.reap_every_seconds)

    async def _save(self) -> None:
        while True:
            self._state.hosts.save()
            await asyncio.sleep(_SAVE_SECONDS)


def _unreadable(message: Msg, error: Exception) -> None:
    print(f"{message.subject}: unreadable: {error!r}", file=sys.stderr, flush=True)
