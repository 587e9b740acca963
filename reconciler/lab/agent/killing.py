"""A run's kill switch: a latch, so that a kill between two phases is not lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from nats.aio.client import Client
from nats.aio.msg import Msg

from reconciler.lab import names


@contextlib.asynccontextmanager
async def armed(client: Client, exec_id: str | None) -> AsyncIterator[asyncio.Event]:
    """Listen for `kill.<exec_id>` for as long as the run lasts; without an id nothing kills."""
    switch = asyncio.Event()
    if exec_id is None:
        yield switch
        return

    async def pull(_: Msg) -> None:
        switch.set()

    subscription = await client.subscribe(names.kill(exec_id), cb=pull)
    with contextlib.suppress(TimeoutError):
        await client.flush(timeout=2)
    try:
        yield switch
    finally:
        await subscription.unsubscribe()


async def happens_first(switch: asyncio.Event, other: Awaitable[object]) -> bool:
    """Wait for *other*; return true, and drop it, when the switch is pulled before."""
    waiting = asyncio.ensure_future(other)
    killed = asyncio.ensure_future(switch.wait())
    try:
        await asyncio.wait((waiting, killed), return_when=asyncio.FIRST_COMPLETED)
        return not waiting.done()
    finally:
        for task in (waiting, killed):
            task.cancel()
        await asyncio.gather(waiting, killed, return_exceptions=True)
