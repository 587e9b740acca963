"""SHA-256 of what passes by, beside the passing: hashlib lets go of the GIL for large blocks."""

import asyncio
import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from reconciler.model.digest import Digest

_INLINE_BYTES = 64 * 1024
_BEHIND = 4
"""So many blocks may wait for the hash: what bounds the memory."""


class Hashing:
    """A hash that runs in a thread of its own, started when there is something large."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None
        self._behind: deque[asyncio.Future[None]] = deque()
        self.size_bytes = 0
        """What has been added."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def add(self, block: bytes) -> None:
        """Hash *block* after those before it; returns early, so it must not be changed."""
        self.size_bytes += len(block)
        if self._thread is None and len(block) <= _INLINE_BYTES:
            self._hash.update(block)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "sha256")
        loop = asyncio.get_running_loop()
        self._behind.append(loop.run_in_executor(self._thread, self._hash.update, block))
        if len(self._behind) > _BEHIND:
            await self._behind.popleft()

    async def digest(self) -> Digest:
        """Return the hash of all that was added."""
        while self._behind:
            await self._behind.popleft()
        return Digest(self._hash.hexdigest())
