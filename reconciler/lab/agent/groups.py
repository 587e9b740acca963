"""Which groups a host is in, as the two membership buckets say, followed as they change."""

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from reconciler.lab import names, wire
from reconciler.lab.bucket import Bucket

_BUCKETS = (names.AGENT_GROUPS, names.AGENT_GROUPS_DERIVED)
_RETRY_SECONDS = 0.2
_RECHECK_SECONDS = 30


class Groups:
    """The membership of one host."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self._buckets = [Bucket(client.jetstream(), name) for name in _BUCKETS]

    async def follow(self, changed: Callable[[frozenset[str]], Awaitable[None]]) -> None:
        """Call *changed* with the membership now, and again after every change."""
        wake = asyncio.Event()

        async def check_again(_: object) -> None:
            wake.set()

        for name in _BUCKETS:
            await self._client.subscribe(f"$KV.{name}.{self._host}", cb=check_again)
        known: frozenset[str] | None = None
        while True:
            wake.clear()
            found = await self._read()
            if found != known:
                known = found
                await changed(found)
            try:
                async with asyncio.timeout(_RECHECK_SECONDS):
                    await wake.wait()
            except TimeoutError:
                continue

    async def _read(self) -> frozenset[str]:
        while True:
            try:
                values = [await bucket.get(self._host) for bucket in self._buckets]
            except (NatsError, JetStreamError, OSError):
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            return frozenset().union(*(_groups_in(value) for value in values))


def _groups_in(value: bytes | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    listed = wire.document(value).get("groups")
    return frozenset(str(group) for group in listed) if isinstance(listed, list) else frozenset()
