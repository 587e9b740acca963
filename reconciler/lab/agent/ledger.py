"""Which requests a host has taken, so that none runs twice.

A record is written before the delivery is acknowledged and before anything starts. A
record that says `launching` after a restart shows only that the script may have run.
"""

import base64
import hashlib
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from reconciler.lab import wire
from reconciler.lab.agent.command import Command, parse_command
from reconciler.lab.agent.outbox import Outbox, write_whole
from reconciler.lab.agent.result import RESTARTED, result_of

RETENTION_SECONDS = 8 * 86_400
_REMEMBERED = 1024
_UNKNOWN = (
    "agent restarted during execution; outcome unknown "
    "(the command is not relaunched automatically)"
)


class Refusal(Enum):
    """Why a delivery is not run; both are silent."""

    DUPLICATE = "the same bytes again"
    CONFLICT = "other bytes under a known request id"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The licence to run one command, with the id that its result will have."""

    command: Command
    result_id: str


class Ledger(Protocol):
    """The memory of one host."""

    def admit(self, command: Command, payload: bytes) -> Ticket | Refusal:
        """Take a command in, once."""

    def launching(self, ticket: Ticket) -> None:
        """Note that from now on the script may have run."""

    def finish(self, ticket: Ticket, result: wire.Document) -> None:
        """Keep the outcome and hand it to the outbox."""

    def recover(self) -> list[Ticket]:
        """Settle what a crash left open; return the commands that never began."""


class Record(msgspec.Struct, kw_only=True):
    """One request, as it is on disk."""

    request_id: str
    fingerprint: str
    payload: str
    result_id: str
    touched_at: float
    state: Literal["pending", "launching", "finished"] = "pending"
    launched_at: str | None = None
    result: str | None = None
    """As JSON text."""
    queued: bool = False


class DurableLedger:
    """A file a request, for eight days."""

    def __init__(self, host: str, folder: Path, outbox: Outbox) -> None:
        self._host = host
        self._folder = folder
        self._outbox = outbox

    def admit(self, command: Command, payload: bytes) -> Ticket | Refusal:
        """Take a command in, once."""
        fingerprint = wire.sha256(payload)
        known = self._read(self._path(command.request_id))
        if known is not None:
            same = known.fingerprint == fingerprint
            return Refusal.DUPLICATE if same else Refusal.CONFLICT
        record = Record(
            request_id=command.request_id,
            fingerprint=fingerprint,
            payload=base64.b64encode(payload).decode(),
            result_id=str(uuid.uuid4()),
            touched_at=time.time(),
        )
        self._write(record)
        return Ticket(command=command, result_id=record.result_id)

    def launching(self, ticket: Ticket) -> None:
        """Note that from now on the script may have run."""
        record = self._known(ticket)
        record.state, record.launched_at = "launching", wire.now()
        self._write(record)

    def finish(self, ticket: Ticket, result: wire.Document) -> None:
        """Keep the outcome and hand it to the outbox."""
        record = self._known(ticket)
        record.state, record.touched_at = "finished", time.time()
        record.result = wire.encode(result).decode()
        self._write(record)
        self._queue(record)

    def recover(self) -> list[Ticket]:
        """Settle what a crash left open; return the commands that never began."""
        open_tickets: list[tuple[float, Ticket]] = []
        for path in sorted(self._folder.glob("*.json")):
            record = self._read(path)
            if record is None:
                continue
            command = parse_command(base64.b64decode(record.payload))
            if record.state == "finished":
                self._settle(path, record)
            elif command is not None and record.state == "launching":
                self._report_unknown(record, command)
            elif command is not None:
                ticket = Ticket(command=command, result_id=record.result_id)
                open_tickets.append((record.touched_at, ticket))
        return [ticket for _, ticket in sorted(open_tickets, key=lambda entry: entry[0])]

    def _settle(self, path: Path, record: Record) -> None:
        if not record.queued:
            self._queue(record)
        elif time.time() - record.touched_at > RETENTION_SECONDS:
            path.unlink()

    def _report_unknown(self, record: Record, command: Command) -> None:
        held = self._outbox.held(record.request_id)
        if held is None or held.get("result_id") != record.result_id:
            held = result_of(
                command,
                self._host,
                result_id=record.result_id,
                exit_code=RESTARTED,
                stderr=_UNKNOWN,
                started_at=record.launched_at,
            )
        record.state, record.touched_at = "finished", time.time()
        record.result = wire.encode(held).decode()
        self._write(record)
        self._queue(record)

    def _queue(self, record: Record) -> None:
        if record.result is not None:
            self._outbox.enqueue(record.request_id, wire.document(record.result))
        record.queued = True
        self._write(record)

    def _known(self, ticket: Ticket) -> Record:
        path = self._path(ticket.command.request_id)
        return msgspec.json.decode(path.read_bytes(), type=Record)

    def _read(self, path: Path) -> Record | None:
        return msgspec.json.decode(path.read_bytes(), type=Record) if path.exists() else None

    def _write(self, record: Record) -> None:
        write_whole(self._path(record.request_id), msgspec.json.encode(record))

    def _path(self, request_id: str) -> Path:
        key = hashlib.sha256(f"{self._host}\0{request_id}".encode()).hexdigest()
        return self._folder / f"{key}.json"


class MemoryLedger:
    """What older agents have: the last thousand ids, forgotten by a restart."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._seen: OrderedDict[str, None] = OrderedDict()

    def admit(self, command: Command, payload: bytes) -> Ticket | Refusal:
        """Take a command in, once; whether its bytes are others is not checked."""
        del payload
        if command.request_id in self._seen:
            return Refusal.DUPLICATE
        self._seen[command.request_id] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return Ticket(command=command, result_id=str(uuid.uuid4()))

    def launching(self, ticket: Ticket) -> None:
        """Note nothing: a crash leaves no trace."""

    def finish(self, ticket: Ticket, result: wire.Document) -> None:
        """Hand the outcome to the outbox."""
        self._outbox.enqueue(ticket.command.request_id, result)

    def recover(self) -> list[Ticket]:
        """Return nothing: nothing is known of the time before."""
        return []
