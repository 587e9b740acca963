"""Commands to a lab, and their results."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

from nats.aio.client import Client
from nats.errors import Error as NatsError

from reconciler.lab import wire
from reconciler.lab.connection import connect
from reconciler.lab.waiting import until

ANSWER_SECONDS = 60


@contextlib.asynccontextmanager
async def connected(url: str | list[str], token: str | None = None) -> AsyncIterator[Client]:
    """Connect for as long as the context lasts: a connection left open would hang the loop."""
    client = await connect(url, token, "test", quiet=True)
    try:
        yield client
    finally:
        await client.close()


def command(script: str = "true", **changes: wire.Json) -> wire.Document:
    """Return a command with ids of its own."""
    return {
        "id": f"job-{secrets.token_hex(4)}",
        "version": "1",
        "request_id": f"request-{secrets.token_hex(4)}",
        "exec_id": f"exec-{secrets.token_hex(4)}",
        "shell": "sh",
        "script": script,
        "timeout_secs": 60,
        **changes,
    }


async def publish(client: Client, host: str, sent: wire.Document) -> None:
    """Store a command in the host's slot, trying again while the broker comes back."""

    async def stored() -> bool:
        try:
            await client.jetstream().publish(f"commands.pc.{host}", wire.encode(sent), timeout=1)
        except (NatsError, TimeoutError):
            return False
        return True

    await until(stored, "the command being stored")


async def run(client: Client, host: str, sent: wire.Document) -> wire.Document:
    """Send a command and return its result."""
    subscription = await client.subscribe(f"results.{sent['request_id']}")
    await publish(client, host, sent)
    message = await subscription.next_msg(timeout=ANSWER_SECONDS)
    await subscription.unsubscribe()
    return wire.document(message.data)


async def stored_result(client: Client, sent: wire.Document) -> wire.Document:
    """Return a command's result once the stream has it; any connection may be broken meanwhile."""
    subject = f"results.{sent['request_id']}"

    async def stored() -> bool:
        try:
            await client.jetstream().get_last_msg("RESULTS", subject)
        except (NatsError, TimeoutError):
            return False
        return True

    await until(stored, "the result being stored", timedelta(seconds=40))
    message = await client.jetstream().get_last_msg("RESULTS", subject)
    return wire.document(message.data or b"")
