"""Execs over HTTP, and what they leave in a host's slot."""

from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.contract.fleets import Fleet, Reply

GHOST = "ghost-01"
"""A host that there is not: whatever is sent to it stays in its slot."""


async def execute(fleet: Fleet, job: str, **body: wire.Json) -> Reply:
    return await fleet.post(f"/api/exec/{job}", body)


async def slot_of(fleet: Fleet, reply: Reply, host: str = GHOST) -> wire.Document:
    """Return what the host's slot holds of the exec: a 200 may be there before the message."""
    exec_id = reply.document["exec_id"]

    async def stored() -> bool:
        return (await fleet.slot(host))["exec_id"] == exec_id

    await until(stored, f"the command of exec {exec_id} being stored")
    return await fleet.slot(host)
