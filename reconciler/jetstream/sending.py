"""The chunks of one object on their way: a window of them, in order, hashed in passing."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from nats.aio.msg import Msg

from reconciler.errors import ArtifactUnavailable, KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.hashing import Hashing
from reconciler.jetstream.object_info import chunks_subject, stream_of
from reconciler.jetstream.wire_errors import translated
from reconciler.model.digest import Digest
from reconciler.ports import Content

CHUNK_BYTES = 512 * 1024
_WINDOW = 12
"""With chunks of 512 KiB as fast as the server takes them, on a near wire and on a far one."""
_LARGE_BYTES = 64 * 1024 * 1024
"""What a chunk costs hardly depends on its size, so large contents go in as few as the usual limit
of servers allows; to read a part of what is smaller costs less."""
_LARGE_CHUNK_BYTES = 1020 * 1024
_LARGE_WINDOW = 8
_HEADROOM_BYTES = 4096
_STORED_WITHIN = timedelta(seconds=10)
_BLOCK_WITHIN_SECONDS = 60.0
_SETTLE_WITHIN_SECONDS = 2.0

Progress = Callable[[int], None]


class Sending:
    """Stores the chunks of one object's *content*; its caller clears them away if it fails."""

    def __init__(
        self, connection: Connection, bucket: str, nuid: str, content: Content, progress: Progress
    ) -> None:
        self._connection = connection
        self._bucket = bucket
        self._subject = chunks_subject(bucket, nuid)
        self._progress = progress
        self._under_way: deque[tuple[asyncio.Future[Msg], int]] = deque()
        self._last_sequence = 0
        is_large = content.size_bytes >= _LARGE_BYTES
        self._content = content
        self._window = _LARGE_WINDOW if is_large else _WINDOW
        most = _LARGE_CHUNK_BYTES if is_large else CHUNK_BYTES
        self.chunk_bytes = min(most, connection.max_payload_bytes - _HEADROOM_BYTES)
        self.chunks = 0
        self.stored_bytes = 0

    async def run(self) -> Digest:
        """Send everything, see it stored in order and complete, and return its hash.

        Raises:
            NoRoom: the server has no place for it.
            KanadeUnavailable: the server was lost; what is stored is of no use.
            ArtifactUnavailable: the content stopped coming.
        """
        with Hashing() as hashing:
            async for block in self._blocks():
                await hashing.add(block)
                await self._send(block)
            while self._under_way:
                await self._see_oldest_stored()
            await self._check_count()
            return await hashing.digest()

    async def settle(self) -> None:
        """Wait, not for long, until the server has done with all chunks that are on their way.

        It handles a purge beside what is published: chunks not stored by then would stay.
        """
        futures = [future for future, _ in self._under_way]
        if futures:
            await asyncio.wait(futures, timeout=_SETTLE_WITHIN_SECONDS)
        for future in futures:
            if not future.cancel() and not future.cancelled():
                future.exception()  # retrieved, so that asyncio does not complain of it

    async def _blocks(self) -> AsyncIterator[bytes]:
        blocks = self._content.blocks(self.chunk_bytes)
        while True:
            try:
                async with asyncio.timeout(_BLOCK_WITHIN_SECONDS):
                    block = await anext(blocks, None)
            except TimeoutError as error:
                raise ArtifactUnavailable(
                    f"no more of it came in {_BLOCK_WITHIN_SECONDS:.0f} s"
                ) from error
            if block is None:
                return
            yield block

    async def _send(self, block: bytes) -> None:
        if len(self._under_way) >= self._window:
            await self._see_oldest_stored()
        with translated(self._endpoint):
            future = await self._connection.send_request(self._subject, block)
        self._under_way.append((future, len(block)))
        self.chunks += 1

    async def _see_oldest_stored(self) -> None:
        future, size_bytes = self._under_way[0]
        what = api.called(stream_of(self._bucket))
        answer = await self._connection.answer(future, what=what, within=_STORED_WITHIN)
        self._under_way.popleft()
        sequence = api.stored_at(answer.data, self._endpoint)
        if sequence <= self._last_sequence:
            raise KanadeUnavailable(f"{self._endpoint}: chunks were stored out of order")
        self._last_sequence = sequence
        self.stored_bytes += size_bytes
        self._progress(self.stored_bytes)

    async def _check_count(self) -> None:
        info = await api.stream_info(
            self._connection, stream_of(self._bucket), subjects=self._subject
        )
        stored = (info.state.subjects or {}).get(self._subject, 0)
        if stored != self.chunks:
            raise KanadeUnavailable(
                f"{self._endpoint}: {stored} chunks are stored of {self.chunks} that were sent"
            )

    @property
    def _endpoint(self) -> str:
        return self._connection.at(api.called(stream_of(self._bucket)))
