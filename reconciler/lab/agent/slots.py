"""How many scripts a host runs at once; those that come later wait in line."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Slots:
    """A first-come queue in front of a host's processors."""

    def __init__(self, limit: int) -> None:
        self._places = asyncio.Semaphore(limit)

    @property
    def full(self) -> bool:
        """True when a script that comes now has to wait."""
        return self._places.locked()

    @contextlib.asynccontextmanager
    async def taken(self, *, bypass: bool) -> AsyncIterator[None]:
        """Hold a place; a command that may bypass the limit needs none."""
        if bypass:
            yield
            return
        async with self._places:
            yield
