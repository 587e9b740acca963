"""Commands with ids of their own, and what comes back of them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from nats.aio.subscription import Subscription

from reconciler.lab import wire
from tests.contract.fleets import HOST, Fleet

ANSWER_SECONDS = 120
"""A busy machine is no failure: a result may be kept waiting by what the test does meanwhile."""


def unique(prefix: str) -> str:
    """Return a name that no other test uses."""
    return f"{prefix}-{secrets.token_hex(5)}"


def command(script: str = "true", **changes: wire.Json) -> wire.Document:
    """Return a command as kanade's backend would build it, with *changes*."""
    name = unique("job")
    fields: wire.Document = {
        "id": name,
        "version": "1",
        "request_id": unique("request"),
        "exec_id": unique("exec"),
        "shell": "sh",
        "script": script,
        "timeout_secs": 120,
        "jitter_secs": None,
        "run_as": "system",
        "staleness": {"mode": "cached"},
    }
    return {**fields, **changes}


async def send(fleet: Fleet, sent: wire.Document, host: str = HOST) -> None:
    """Store *sent* in the host's slot, which also delivers it."""
    await fleet.jetstream.publish(f"commands.pc.{host}", wire.encode(sent))


@contextlib.asynccontextmanager
async def results_of(fleet: Fleet, sent: wire.Document) -> AsyncIterator[Subscription]:
    """Listen for the results of a command."""
    subscription = await fleet.client.subscribe(f"results.{sent['request_id']}")
    await fleet.client.flush()
    try:
        yield subscription
    finally:
        await subscription.unsubscribe()


async def next_result(subscription: Subscription) -> wire.Document:
    """Return the next result that comes."""
    message = await subscription.next_msg(timeout=ANSWER_SECONDS)
    return wire.document(message.data)


async def run(fleet: Fleet, sent: wire.Document, host: str = HOST) -> wire.Document:
    """Send a command and return its result."""
    async with results_of(fleet, sent) as results:
        await send(fleet, sent, host)
        return await next_result(results)


async def run_in_time(
    fleet: Fleet, make: Callable[[int], wire.Document], *, begun: Callable[[wire.Document], bool]
) -> wire.Document:
    """Run what *make* makes of some seconds, which a busy machine may let pass before it begins."""
    seconds = 1
    while True:
        result = await run(fleet, make(seconds))
        if begun(result) or seconds > 30:
            return result
        seconds *= 5


def waits_for(gate: Path) -> str:
    """Return what a script says that waits until there is *gate*."""
    return f"until test -e {gate}; do sleep 0.05; done"


async def run_all(fleet: Fleet, *sent: wire.Document) -> list[wire.Document]:
    """Send several commands at once and return their results in order."""
    return [*await asyncio.gather(*(run(fleet, one) for one in sent))]
