"""What is kept of a request, and for how long."""

import json
from pathlib import Path

import pytest

from reconciler.lab import wire
from reconciler.lab.agent.command import Command
from reconciler.lab.agent.ledger import RETENTION_SECONDS, DurableLedger, Refusal, Ticket
from reconciler.lab.agent.log import Log
from reconciler.lab.agent.outbox import Outbox
from reconciler.lab.agent.result import result_of

COMMAND = Command(
    id="job", version="1", request_id="request", shell="sh", script="true", timeout_secs=1
)


async def nowhere(_: wire.Document) -> None:
    """Send nothing."""


def open_ledger(folder: Path) -> DurableLedger:
    outbox = Outbox(folder / "outbox", nowhere, Log(folder / "log"))
    return DurableLedger("alpha", folder / "admission", outbox)


def admitted(ledger: DurableLedger) -> Ticket:
    ticket = ledger.admit(COMMAND, b"bytes")
    assert isinstance(ticket, Ticket)
    return ticket


def finished(ledger: DurableLedger) -> None:
    ticket = admitted(ledger)
    ledger.finish(ticket, result_of(COMMAND, "alpha", result_id=ticket.result_id, exit_code=0))


def age(folder: Path, seconds: float) -> None:
    (path,) = (folder / "admission").glob("*.json")
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({**record, "touched_at": record["touched_at"] - seconds}))


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [(RETENTION_SECONDS - 60, Refusal.DUPLICATE), (RETENTION_SECONDS + 60, None)],
)
def test_a_finished_request_is_remembered_for_eight_days(
    tmp_path: Path, seconds: float, answer: Refusal | None
) -> None:
    finished(open_ledger(tmp_path))
    age(tmp_path, seconds)

    ledger = open_ledger(tmp_path)
    ledger.recover()
    found = ledger.admit(COMMAND, b"bytes")

    assert found is answer if answer else isinstance(found, Ticket)


def test_a_command_that_never_began_is_handed_back_after_a_crash(tmp_path: Path) -> None:
    payload = wire.encode(
        {
            "id": "job", "version": "1", "request_id": "request", "shell": "sh",
            "script": "true", "timeout_secs": 1,
        }
    )  # fmt: skip
    ticket = open_ledger(tmp_path).admit(COMMAND, payload)

    assert open_ledger(tmp_path).recover() == [ticket]


def test_a_crash_while_the_result_was_queued_loses_nothing(tmp_path: Path) -> None:
    finished(open_ledger(tmp_path))
    (path,) = (tmp_path / "admission").glob("*.json")
    path.write_text(path.read_text().replace('"queued":true', '"queued":false'))
    (sent,) = (tmp_path / "outbox").glob("*.json")
    sent.unlink()

    open_ledger(tmp_path).recover()

    (queued,) = (tmp_path / "outbox").glob("*.json")
    assert json.loads(queued.read_bytes())["exit_code"] == 0
