"""The chunks of one object as messages: in order, a bounded number of them on their way."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from nats.aio.msg import Msg

from reconciler.errors import ArtifactRefused, KanadeUnavailable, ReconcilerError
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Delivery
from reconciler.jetstream.object_info import ObjectInfo, chunks_subject, stream_of
from reconciler.jetstream.subscription import Subscription

_CHUNK_WITHIN_SECONDS = 10.0
_GONE_AFTER_NANOSECONDS = 300_000_000_000
"""A reader that is slow, and asks for nothing meanwhile, has its consumer taken away by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Which chunks are read: *count* of the *left* ones, from a place in the stream on."""

    count: int
    left: int
    """How many there are from there to the end; others than these mean a damaged object."""
    window: int
    """At most so many are on their way, or lie here unread."""
    sequence: int | None = None
    """Of the first one; `None` for the object's own first."""
    headers_only: bool = False


class Chunks:
    """One reading; its consumer exists from the first chunk until `close`."""

    def __init__(self, connection: Connection, info: ObjectInfo, portion: Portion) -> None:
        self._connection = connection
        self._info = info
        self._portion = portion
        self._stream = stream_of(info.bucket)
        self._name = f"reconciler-{secrets.token_hex(8)}"
        self._inbox = connection.new_inbox()
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._asked = 0

    async def read(self) -> AsyncIterator[tuple[Delivery, Msg]]:
        """Yield the chunks.

        Raises:
            ArtifactRefused: chunks are missing.
            KanadeUnavailable: no more comes.
        """
        if self._portion.count:
            await self._open()
        for number in range(1, self._portion.count + 1):
            yield await self._next(number)
            if self._asked - number <= self._portion.window // 2:
                await self._ask(number + self._portion.window)

    async def close(self) -> None:
        """Stop reading."""
        if self._subscription is not None:
            with suppress(ReconcilerError):
                await self._connection.unsubscribe(self._subscription)
                await api.delete_consumer(self._connection, self._stream, self._name)

    def damaged(self, why: str) -> ArtifactRefused:
        """Return the error of an object that is not what its metadata says."""
        return ArtifactRefused(
            f"{self.endpoint}: {self._info.name} is damaged: {why}; publish it again"
        )

    @property
    def endpoint(self) -> str:
        """What is read, and where."""
        return self._connection.at(api.called(self._stream))

    async def _open(self) -> None:
        self._subscription = await self._connection.subscribe(self._inbox, self._arrived.put)
        start: dict[str, object] = {"deliver_policy": "all"}
        if self._portion.sequence is not None:
            start = {
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": self._portion.sequence,
            }
        config = {
            "name": self._name,
            "filter_subject": chunks_subject(self._info.bucket, self._info.nuid),
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "headers_only": self._portion.headers_only,
            "inactive_threshold": _GONE_AFTER_NANOSECONDS,
            **start,
        }
        consumer = await api.create_consumer(self._connection, self._stream, config)
        if consumer.num_pending != self._portion.left:
            raise self.damaged(f"{consumer.num_pending} chunks of {self._portion.left} are there")
        await self._ask(self._portion.window)

    async def _next(self, number: int) -> tuple[Delivery, Msg]:
        try:
            async with asyncio.timeout(_CHUNK_WITHIN_SECONDS):
                message = await self._arrived.get()
        except TimeoutError as error:
            raise KanadeUnavailable(f"{self.endpoint}: no more chunks come") from error
        delivery = Delivery.parse(message.reply)
        if delivery is None or delivery.consumer_sequence != number:
            raise KanadeUnavailable(f"{self.endpoint}: the reading broke off")
        return delivery, message

    async def _ask(self, up_to: int) -> None:
        """Have the chunks sent up to that one, and never one that nobody wants."""
        count = min(up_to, self._portion.count) - self._asked
        if count > 0:
            self._asked += count
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
            await self._connection.post(subject, b'{"batch":%d}' % count, reply=self._inbox)
