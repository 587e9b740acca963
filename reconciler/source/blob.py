"""An object of the clone as it comes out of `git cat-file`."""

import asyncio
import hashlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from reconciler.errors import SourceUnavailable
from reconciler.source.process import ending

Damaged = Callable[[str, str], SourceUnavailable]
"""Takes note that an object cannot be read, and why, and returns what to raise."""

_STALLED_AFTER = timedelta(seconds=30)


class BlobContent:
    """Implements `ports.Content`: what a child writes, no further than the reader has come."""

    def __init__(self, process: Process, object_id: str, size_bytes: int, damaged: Damaged) -> None:
        self._process = process
        self._object_id = object_id
        self._size_bytes = size_bytes
        self._damaged = damaged

    @property
    def size_bytes(self) -> int:
        """How many bytes the object has."""
        return self._size_bytes

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes; the last block comes before they are known to be the right ones.

        Raises:
            SourceUnavailable: they do not match the object's id, or there are no more.
        """
        hashed = hashlib.sha1(f"blob {self._size_bytes}\0".encode(), usedforsecurity=False)
        while block := await self._block(block_bytes):
            hashed.update(block)
            yield block
        errors = await ending(self._process.stderr)
        if await self._process.wait() or hashed.hexdigest() != self._object_id:
            why = errors.decode("utf-8", "replace").strip() or "it does not match its id"
            raise self._damaged(self._object_id, why)

    async def _block(self, block_bytes: int) -> bytes:
        stream = self._process.stdout
        if stream is None:
            return b""
        try:
            async with asyncio.timeout(_STALLED_AFTER.total_seconds()):
                return await stream.readexactly(block_bytes)
        except asyncio.IncompleteReadError as end:
            return end.partial
        except TimeoutError as error:
            raise self._damaged(self._object_id, "git stopped sending it") from error
