"""One host: its ledger, its outboxes and its running scripts."""

import asyncio
import os
from collections.abc import Callable, Coroutine

from nats.aio.client import Client

from reconciler.lab import names, wire
from reconciler.lab.agent.beats import Beats
from reconciler.lab.agent.command import Command
from reconciler.lab.agent.execute import Executor
from reconciler.lab.agent.gates import Gates
from reconciler.lab.agent.groups import Groups
from reconciler.lab.agent.intake import Intake
from reconciler.lab.agent.ledger import DurableLedger, Ledger, MemoryLedger, Ticket
from reconciler.lab.agent.log import LOG_FILE, Log
from reconciler.lab.agent.outbox import Outbox
from reconciler.lab.agent.result import INLINE_BYTES, refusal_of
from reconciler.lab.agent.scripts import Scripts
from reconciler.lab.agent.self_update import SelfUpdate
from reconciler.lab.agent.settings import AgentSettings, HostSettings
from reconciler.lab.agent.slots import Slots
from reconciler.lab.objects import ObjectStore, once

_ACK_SECONDS = 30
_REPORTS = ("stdout", "stderr")


class Host:
    """Serves one host over the process's connection."""

    def __init__(self, client: Client, settings: AgentSettings, host: HostSettings) -> None:
        self._client = client
        self._jetstream = client.jetstream()
        self._settings = settings
        self._host = host
        self._log = Log(host.inside(LOG_FILE))
        self._outputs = ObjectStore(client, names.RESULT_OUTPUT)
        self._results = Outbox(host.inside("outbox"), self._send_result, self._log)
        self._events = Outbox(host.inside("events-outbox"), self._send_event, self._log)
        self._ledger: Ledger = (
            DurableLedger(host.name, host.inside("admission"), self._results)
            if settings.ledger == "durable"
            else MemoryLedger(self._results)
        )

    async def serve(self) -> None:
        """Serve the host until this is cancelled; its running scripts go on without it."""
        beats = Beats(self._client, self._host, self._settings)
        groups = Groups(self._client, self._host.name)
        updates = SelfUpdate(self._client, self._host.name)
        executor = self._executor()
        async with asyncio.TaskGroup() as tasks:

            def launch(ticket: Ticket) -> None:
                tasks.create_task(executor.execute(ticket))

            refused = self._refuse if self._settings.signed_only else None
            intake = Intake(
                self._client, self._host.name, self._ledger, launch, self._log, refuse=refused
            )
            for ticket in self._ledger.recover():
                launch(ticket)
            await intake.listen()
            await beats.answer()
            for loop in self._loops(beats, groups, intake):
                tasks.create_task(loop())
            tasks.create_task(updates.follow(beats.become))

    def _loops(
        self, beats: Beats, groups: Groups, intake: Intake
    ) -> list[Callable[[], Coroutine[object, object, None]]]:
        every = self._settings.drain_seconds
        return [
            lambda: beats.beat(self._settings.heartbeat_seconds),
            lambda: groups.follow(intake.regroup),
            intake.replay,
            lambda: self._results.drain(every),
            lambda: self._events.drain(every),
        ]

    def _refuse(self, command: Command) -> None:
        """A refusal is no admission: the same request may come again, signed."""
        refusal = refusal_of(command, self._host.name)
        self._results.enqueue(str(refusal["result_id"]), refusal)

    def _executor(self) -> Executor:
        scripts = ObjectStore(self._client, names.SCRIPTS)
        return Executor(
            host=self._host,
            agent_version=self._settings.agent_version,
            silent_skips=self._settings.silent_skips,
            environment=dict(os.environ) | self._host.environment,
            client=self._client,
            gates=Gates(self._client),
            ledger=self._ledger,
            started_events=self._events,
            scripts=Scripts(scripts, self._host.inside("script_cache")),
            slots=Slots(self._settings.local_limit or os.cpu_count() or 1),
            log=self._log,
        )

    async def _send_result(self, result: wire.Document) -> None:
        request_id = str(result["request_id"])
        for stream in _REPORTS:
            text = str(result[stream])
            if len(text.encode()) > INLINE_BYTES:
                key = f"{request_id}/{self._host.name}/{stream}"
                await self._offload(key, text.encode())
                result = result | {stream: "", f"{stream}_object": key}
        subject = names.results(request_id)
        await self._jetstream.publish(subject, wire.encode(result), timeout=_ACK_SECONDS)

    async def _offload(self, key: str, content: bytes) -> None:
        stored = await self._outputs.info(key)
        if stored is None or stored.deleted or stored.sha256 != wire.sha256(content):
            await self._outputs.put(key, once(content))

    async def _send_event(self, event: wire.Document) -> None:
        subject = names.events_started(str(event["exec_id"]), str(event["pc_id"]))
        await self._jetstream.publish(subject, wire.encode(event), timeout=_ACK_SECONDS)
