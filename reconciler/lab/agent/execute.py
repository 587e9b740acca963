"""One command from its admission to its result."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.aio.client import Client

from reconciler.lab import wire
from reconciler.lab.agent import result
from reconciler.lab.agent.command import Command
from reconciler.lab.agent.gates import Gates, Skip
from reconciler.lab.agent.killing import armed, happens_first
from reconciler.lab.agent.ledger import Ledger, Ticket
from reconciler.lab.agent.log import Log
from reconciler.lab.agent.outbox import Outbox
from reconciler.lab.agent.process import CommandFailed, Ending, Run, run_script
from reconciler.lab.agent.scripts import Scripts
from reconciler.lab.agent.settings import HostSettings
from reconciler.lab.agent.shell import argv_of, parse_error
from reconciler.lab.agent.slots import Slots


class NotStarted(Exception):
    """The command's story ends before its script began."""

    def __init__(
        self, exit_code: int, stderr: str, *, skipped: bool, at: str | None = None
    ) -> None:
        super().__init__(stderr)
        self.exit_code = exit_code
        self.stderr = stderr
        self.skipped = skipped
        self.at = at


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Runs the commands of one host, several at a time."""

    host: HostSettings
    agent_version: str
    silent_skips: bool
    environment: dict[str, str]
    client: Client
    gates: Gates
    ledger: Ledger
    started_events: Outbox
    scripts: Scripts
    slots: Slots
    log: Log

    async def execute(self, ticket: Ticket) -> None:
        """Run the command; whatever comes of it ends as a result in the outbox."""
        command = ticket.command
        try:
            outcome = await self._outcome(ticket)
        except NotStarted as end:
            outcome = result.result_of(
                command, self.host.name, result_id=ticket.result_id, exit_code=end.exit_code,
                skipped=end.skipped, stderr=end.stderr, started_at=end.at, finished_at=end.at,
            )  # fmt: skip
        except CommandFailed as error:
            moment = wire.now()
            outcome = result.result_of(
                command, self.host.name, result_id=ticket.result_id,
                exit_code=result.NO_OUTCOME,
                stderr=f"command failed before it produced an outcome: {error}",
                started_at=moment, finished_at=moment,
            )  # fmt: skip
        if outcome["skipped"] is True and self.silent_skips:
            return
        self.ledger.finish(ticket, outcome)

    async def _outcome(self, ticket: Ticket) -> wire.Document:
        command = ticket.command
        await self._pass_gates(command)
        async with armed(self.client, command.exec_id) as switch:
            await self._jitter(command, switch)
            async with self._place(command, switch):
                await self._pass_gates(command)
                script = await self.scripts.text(command)
                return await self._run(ticket, script, switch)

    async def _pass_gates(self, command: Command) -> None:
        skip = await self.gates.skip(command)
        if isinstance(skip, Skip):
            raise NotStarted(skip.exit_code, skip.stderr, skipped=True, at=skip.at)

    async def _jitter(self, command: Command, switch: asyncio.Event) -> None:
        most = command.jitter_secs
        if most is None or most <= 1:
            return
        seconds = random.randrange(most)
        self.log.say(f"applying jitter before exec jitter_secs={most} sleep_secs={seconds}")
        if await happens_first(switch, asyncio.sleep(seconds)):
            raise NotStarted(result.NO_OUTCOME, "killed during start jitter", skipped=False)

    @contextlib.asynccontextmanager
    async def _place(self, command: Command, switch: asyncio.Event) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            place = self.slots.taken(bypass=command.bypass_local_limit)
            if self.slots.full and not command.bypass_local_limit:
                self.log.say(f"waiting for local job slot request_id={command.request_id}")
            try:
                async with asyncio.timeout(_seconds_left(command)):
                    killed = await happens_first(switch, stack.enter_async_context(place))
            except TimeoutError:
                raise NotStarted(
                    result.DEADLINE,
                    "skipped: starting deadline expired while waiting for local job slot",
                    skipped=True,
                ) from None
            if killed:
                raise NotStarted(
                    result.NO_OUTCOME, "killed while waiting for local job slot", skipped=False
                )
            yield

    async def _run(self, ticket: Ticket, script: str, switch: asyncio.Event) -> wire.Document:
        command = ticket.command
        self.ledger.launching(ticket)
        started_at = wire.now()
        self._tell_started(ticket, started_at)
        run, note = await self._attempts(command, script, switch)
        notes = [run.stderr, _ending_note(command, run), note]
        return result.result_of(
            command,
            self.host.name,
            result_id=ticket.result_id,
            exit_code=run.exit_code if run.ending is Ending.COMPLETED else result.NO_OUTCOME,
            stdout=run.stdout,
            stderr="\n".join(text for text in notes if text),
            started_at=started_at,
        )

    def _tell_started(self, ticket: Ticket, started_at: str) -> None:
        command = ticket.command
        if command.exec_id is None:
            return
        event: wire.Document = {
            "result_id": ticket.result_id,
            "request_id": command.request_id,
            "exec_id": command.exec_id,
            "pc_id": self.host.name,
            "started_at": started_at,
            "manifest_id": command.id,
            "version": command.version,
        }
        self.started_events.enqueue(ticket.result_id, event)

    async def _attempts(
        self, command: Command, script: str, switch: asyncio.Event
    ) -> tuple[Run, str]:
        retries = command.retry.max if command.retry else 0
        repeated = 0
        while True:
            run = await self._once(command, script, switch)
            failed = run.ending is Ending.TIMEOUT or run.exit_code != 0
            if run.ending is Ending.KILLED or not failed or repeated >= retries:
                return run, _retry_note(repeated, run)
            repeated += 1
            pause = asyncio.sleep(command.retry.backoff_secs if command.retry else 0)
            if await happens_first(switch, pause):
                run = Run(ending=Ending.KILLED, exit_code=-1, stdout="", stderr="")
                return run, _retry_note(repeated, run)

    async def _once(self, command: Command, script: str, switch: asyncio.Event) -> Run:
        complaint = parse_error(command, script, self.agent_version)
        if complaint is not None:
            return Run(ending=Ending.COMPLETED, exit_code=1, stdout="", stderr=complaint)
        return await run_script(
            argv_of(command, script),
            environment=self.environment,
            folder=command.cwd,
            timeout_seconds=max(command.timeout_secs, 1),
            switch=switch,
        )


def _seconds_left(command: Command) -> float | None:
    if command.deadline_at is None:
        return None
    return max((command.deadline_at - datetime.now(UTC)).total_seconds(), 0)


def _ending_note(command: Command, run: Run) -> str:
    match run.ending:
        case Ending.COMPLETED:
            return ""
        case Ending.TIMEOUT:
            return f"timeout after {command.timeout_secs}s"
        case Ending.KILLED:
            return f"killed by remote signal (kill.{command.exec_id or '?'})"


def _retry_note(repeated: int, run: Run) -> str:
    if not repeated:
        return ""
    times = f"{repeated} {'retry' if repeated == 1 else 'retries'}"
    if run.ending is Ending.KILLED:
        return f"stopped by remote kill after {times} (#418 on_failure.retry)"
    if run.ending is Ending.COMPLETED and run.exit_code == 0:
        return f"succeeded after {times} (#418 on_failure.retry)"
    return f"failed after {times} exhausted (#418 on_failure.retry)"
