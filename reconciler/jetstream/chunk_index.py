"""Where each chunk of an object begins, so that a part can be read without what is before it.

Chunks need not be of one size: async-nats, and so kanade, stores whatever a read has returned.
"""

from bisect import bisect_right
from dataclasses import dataclass

from reconciler.jetstream.chunks import Chunks, Portion
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.object_info import ObjectInfo

_WINDOW = 4096
_SIZE = "Nats-Msg-Size"


@dataclass(frozen=True, slots=True)
class ChunkIndex:
    """The chunks of one object: where each stands in the stream, and its first byte's position."""

    sequences: tuple[int, ...]
    starts: tuple[int, ...]

    def chunk_at(self, position: int) -> int:
        """Return which chunk has the byte at *position*, counted from 0."""
        return bisect_right(self.starts, position) - 1


async def index_chunks(connection: Connection, info: ObjectInfo) -> ChunkIndex:
    """Ask for the sizes of an object's chunks; the server sends their headers alone.

    Raises:
        ArtifactRefused: chunks are missing, or do not add up to the object's size.
        KanadeUnavailable: no more comes.
    """
    count = info.chunks
    portion = Portion(count=count, left=count, window=_WINDOW, headers_only=True)
    chunks = Chunks(connection, info, portion)
    sequences: list[int] = []
    starts: list[int] = []
    end = 0
    try:
        async for delivery, message in chunks.read():
            sequences.append(delivery.stream_sequence)
            starts.append(end)
            end += int((message.headers or {}).get(_SIZE, 0))
    finally:
        await chunks.close()
    if end != info.size:
        raise chunks.damaged(f"{end} bytes of {info.size} are there")
    return ChunkIndex(tuple(sequences), tuple(starts))
