"""Reading an object, a chunk at a time, and knowing at the end that it was the right one.

nats-py's own `get` waits for ever where chunks are missing, and takes minutes for what is
large.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reconciler.errors import DigestMismatch
from reconciler.jetstream.chunk_index import ChunkIndex
from reconciler.jetstream.chunks import Chunks, Portion
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.hashing import Hashing
from reconciler.jetstream.object_info import ObjectInfo
from reconciler.ports import Content

WINDOW_BYTES = 16 * 1024 * 1024
"""As fast as the server can; with many readings at a time take less."""


@asynccontextmanager
async def download(
    connection: Connection, info: ObjectInfo, window_bytes: int = WINDOW_BYTES
) -> AsyncIterator[Content]:
    """Open an object for one reading; its consumer is taken away at the end."""
    window = _window(info, window_bytes)
    portion = Portion(count=info.chunks, left=info.chunks, window=window)
    chunks = Chunks(connection, info, portion)
    try:
        yield _Whole(chunks, info)
    finally:
        await chunks.close()


@asynccontextmanager
async def download_part(
    connection: Connection,
    info: ObjectInfo,
    index: ChunkIndex,
    span: range,
    window_bytes: int = WINDOW_BYTES,
) -> AsyncIterator[Content]:
    """Open the bytes of *span*, which is not empty, for one reading: no other chunk is read."""
    first, last = index.chunk_at(span.start), index.chunk_at(span.stop - 1)
    portion = Portion(
        count=last - first + 1,
        left=info.chunks - first,
        window=_window(info, window_bytes),
        sequence=index.sequences[first],
    )
    chunks = Chunks(connection, info, portion)
    try:
        yield _Part(chunks, span.start - index.starts[first], len(span))
    finally:
        await chunks.close()


class _Whole:
    """Implements `ports.Content` for a stored object."""

    def __init__(self, chunks: Chunks, info: ObjectInfo) -> None:
        self._chunks = chunks
        self._info = info
        self.size_bytes = info.size

    def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes; the last block only when it is known that they are the right ones.

        Raises:
            DigestMismatch: they are not what the metadata says.
            ArtifactRefused: chunks are missing, or are not what they should be.
            KanadeUnavailable: no more comes.
        """
        return _in_blocks(self._checked(), block_bytes)

    async def _checked(self) -> AsyncIterator[bytes]:
        with Hashing() as hashing:
            async for _, message in self._chunks.read():
                await hashing.add(message.data)
                if hashing.size_bytes > self._info.size:
                    break
                yield message.data
            self._check(hashing.size_bytes, (await hashing.digest()).hex)

    def _check(self, size_bytes: int, digest: str) -> None:
        expected = self._info.sha256
        if expected is None:
            raise self._chunks.damaged(f"its digest {self._info.digest!r} is no SHA-256")
        if size_bytes != self._info.size:
            raise self._chunks.damaged(f"{size_bytes} bytes of {self._info.size} are there")
        if digest != expected.hex:
            subject = f"{self._chunks.endpoint}: {self._info.name}"
            raise DigestMismatch(subject, expected.hex, digest)


class _Part:
    """Implements `ports.Content` for some bytes of a stored object; nobody can check them."""

    def __init__(self, chunks: Chunks, skipped: int, size_bytes: int) -> None:
        self._chunks = chunks
        self._skipped = skipped
        self.size_bytes = size_bytes

    def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes; raises what `Chunks.read` raises."""
        return _in_blocks(self._cut(), block_bytes)

    async def _cut(self) -> AsyncIterator[bytes]:
        start, end = self._skipped, self._skipped + self.size_bytes
        async for _, message in self._chunks.read():
            yield message.data[start:end]
            start, end = max(start - len(message.data), 0), end - len(message.data)


async def _in_blocks(pieces: AsyncIterator[bytes], block_bytes: int) -> AsyncIterator[bytes]:
    """Yield *pieces* in blocks of one size; what ends them ends the blocks before the last."""
    buffer = bytearray()
    async for piece in pieces:
        buffer += piece
        while len(buffer) > block_bytes:
            yield bytes(buffer[:block_bytes])
            del buffer[:block_bytes]
    if buffer:
        yield bytes(buffer)


def _window(info: ObjectInfo, window_bytes: int) -> int:
    chunk_bytes = info.size // max(info.chunks, 1) + 1
    return max(window_bytes // chunk_bytes, 2)
