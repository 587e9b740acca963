"""Reading an object, a chunk at a time, and knowing at the end that it was the right one.

nats-py's own `get` waits for ever where chunks are missing, and takes minutes for what is
large.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from nats.aio.msg import Msg

from reconciler.errors import ArtifactRefused, DigestMismatch, KanadeUnavailable, ReconcilerError
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.hashing import Hashing
from reconciler.jetstream.message import Delivery
from reconciler.jetstream.object_info import ObjectInfo, chunks_subject, stream_of
from reconciler.jetstream.subscription import Subscription

_WINDOW = 16
_CHUNK_WITHIN_SECONDS = 10.0
_GONE_AFTER_NANOSECONDS = 30_000_000_000


@asynccontextmanager
async def download(connection: Connection, info: ObjectInfo) -> AsyncIterator["Download"]:
    """Open an object for one reading; its consumer is taken away at the end."""
    reading = Download(connection, info)
    try:
        yield reading
    finally:
        await reading.close()


class Download:
    """Implements `ports.Content` for a stored object."""

    def __init__(self, connection: Connection, info: ObjectInfo) -> None:
        self._connection = connection
        self._info = info
        self._stream = stream_of(info.bucket)
        self._name = f"reconciler-{secrets.token_hex(8)}"
        self._inbox = connection.new_inbox()
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self.size_bytes = info.size

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes; only after the last block is it known that they are the right ones.

        Raises:
            DigestMismatch: they are not what the metadata says.
            ArtifactRefused: chunks are missing, or are not what they should be.
            KanadeUnavailable: no more comes.
        """
        buffer = bytearray()
        async for chunk in self._chunks():
            buffer += chunk
            while len(buffer) >= block_bytes:
                yield bytes(buffer[:block_bytes])
                del buffer[:block_bytes]
        if buffer:
            yield bytes(buffer)

    async def close(self) -> None:
        """Stop reading."""
        if self._subscription is not None:
            with suppress(ReconcilerError):
                await self._connection.unsubscribe(self._subscription)
                await api.delete_consumer(self._connection, self._stream, self._name)

    async def _chunks(self) -> AsyncIterator[bytes]:
        with Hashing() as hashing:
            if self._info.chunks:
                await self._open()
            for number in range(1, self._info.chunks + 1):
                chunk = await self._next(number)
                await hashing.add(chunk)
                yield chunk
            self._check(hashing.size_bytes, (await hashing.digest()).hex)

    async def _open(self) -> None:
        self._subscription = await self._connection.subscribe(self._inbox, self._arrived.put)
        config = {
            "name": self._name,
            "filter_subject": chunks_subject(self._info.bucket, self._info.nuid),
            "deliver_policy": "all",
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": _GONE_AFTER_NANOSECONDS,
        }
        consumer = await api.create_consumer(self._connection, self._stream, config)
        if consumer.num_pending != self._info.chunks:
            raise self._damaged(f"{consumer.num_pending} chunks of {self._info.chunks} are there")
        await self._ask(2 * _WINDOW)

    async def _next(self, number: int) -> bytes:
        try:
            async with asyncio.timeout(_CHUNK_WITHIN_SECONDS):
                message = await self._arrived.get()
        except TimeoutError as error:
            raise KanadeUnavailable(f"{self._endpoint}: no more chunks come") from error
        delivery = Delivery.parse(message.reply)
        if delivery is None or delivery.consumer_sequence != number:
            raise KanadeUnavailable(f"{self._endpoint}: the reading broke off")
        if number % _WINDOW == 0:
            await self._ask(_WINDOW)
        return message.data

    async def _ask(self, count: int) -> None:
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
        await self._connection.post(subject, b'{"batch":%d}' % count, reply=self._inbox)

    def _check(self, size_bytes: int, digest: str) -> None:
        expected = self._info.sha256
        if expected is None:
            raise self._damaged(f"its digest {self._info.digest!r} is no SHA-256")
        if digest != expected.hex:
            raise DigestMismatch(f"{self._endpoint}: {self._info.name}", expected.hex, digest)
        if size_bytes != self._info.size:
            raise self._damaged(f"{size_bytes} bytes of {self._info.size} are there")

    def _damaged(self, why: str) -> ArtifactRefused:
        return ArtifactRefused(
            f"{self._endpoint}: {self._info.name} is damaged: {why}; publish it again"
        )

    @property
    def _endpoint(self) -> str:
        return self._connection.at(api.called(self._stream))
