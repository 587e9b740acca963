"""Bytes to publish, with something that may happen half-way."""

from collections.abc import AsyncIterator, Awaitable, Callable


async def _nothing(_position: int) -> None:
    return


class MemoryContent:
    """Implements `ports.Content`; *before* is awaited with the position of each block."""

    def __init__(self, data: bytes, before: Callable[[int], Awaitable[None]] = _nothing) -> None:
        self._data = data
        self._before = before
        self.size_bytes = len(data)

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes."""
        for position in range(0, len(self._data), block_bytes):
            await self._before(position)
            yield self._data[position : position + block_bytes]
