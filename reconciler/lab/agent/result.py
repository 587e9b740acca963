"""What an agent answers: the shape of a result, and the reserved exit codes."""

import uuid

from reconciler.lab import wire
from reconciler.lab.agent.command import Command

RESTARTED = 121
UNSUPPORTED = 122
REFUSED = 123
VERSION_PIN = 124
DEADLINE = 125
REVOKED = 126
STALE = 127
NO_OUTCOME = -1

INLINE_BYTES = 256 * 1024
"""Output above this goes into the object store `result_output`."""


def result_of(
    command: Command,
    host: str,
    *,
    result_id: str,
    exit_code: int,
    skipped: bool = False,
    stdout: str = "",
    stderr: str = "",
    started_at: str | None = None,
    finished_at: str | None = None,
) -> wire.Document:
    """Return a result in the order in which kanade's agent writes it."""
    now = wire.now()
    result: wire.Document = {"result_id": result_id, "request_id": command.request_id}
    if command.exec_id is not None:
        result["exec_id"] = command.exec_id
    return result | {
        "pc_id": host,
        "exit_code": exit_code,
        "skipped": skipped,
        "stdout": stdout,
        "stderr": stderr,
        "started_at": started_at or now,
        "finished_at": finished_at or now,
        "manifest_id": command.id,
    }


def refusal_of(command: Command, host: str) -> wire.Document:
    """Return the refusal of an unsigned command; sent again, it is the same result.

    It is no skip, and it has an id that follows from the request.
    """
    name = f"{command.request_id}|{host}|signature-refused"
    return result_of(
        command,
        host,
        result_id=str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        exit_code=REFUSED,
        stderr="refused: command is not signed",
    )
