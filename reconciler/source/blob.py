"""An object of the clone as it comes out of `git cat-file`."""

import asyncio
import hashlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from datetime import timedelta

from reconciler.source.process import ending
from reconciler.source.refusals import CloneDamaged

_STALLED_AFTER = timedelta(seconds=30)


class BlobContent:
    """Implements `ports.Content`: what a child writes, no further than the reader has come."""

    def __init__(self, process: Process, *, object_id: str, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._process = process
        self._object_id = object_id

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes; the last block comes before they are known to be the right ones.

        Raises:
            CloneDamaged: they are not what the object's id says, or git could not read them all.
        """
        hashed = hashlib.sha1(f"blob {self.size_bytes}\0".encode(), usedforsecurity=False)
        while block := await self._block(block_bytes):
            hashed.update(block)
            yield block
        errors = await ending(self._process.stderr)
        if await self._process.wait() or hashed.hexdigest() != self._object_id:
            said = errors.decode("utf-8", "replace").strip() or "not what its id says"
            raise CloneDamaged(said)

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
            raise CloneDamaged("git stopped sending it") from error
