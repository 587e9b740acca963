"""One NATS connection of an embedded process: it never gives up, as kanade's own do not."""

import sys

import nats
from nats.aio.client import Client

RECONNECT_SECONDS = 1
PING_SECONDS = 5


async def connect(
    url: str | list[str], token: str | None, name: str, *, quiet: bool = False
) -> Client:
    """Return a connection to *url*, waiting for the server for as long as it takes."""
    return await nats.connect(
        url,
        token=token,
        name=name,
        error_cb=_ignore if quiet else _report,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_SECONDS,
        ping_interval=PING_SECONDS,
        max_outstanding_pings=2,
    )


async def _report(error: Exception) -> None:
    print(f"nats: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


async def _ignore(_: Exception) -> None:
    """Log nothing: the owner of this connection reports errors in its own way."""
