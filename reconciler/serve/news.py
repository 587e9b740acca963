"""Who waits to hear that there is something new to look at."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class News:
    """Says that there is something new, and never what: whoever hears it looks for himself."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self.ended = False
        """Nothing more will come: whoever listens is to leave."""

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._waiting)

    def tell(self) -> None:
        """Wake everybody who listens."""
        for event in self._waiting:
            event.set()

    def end(self) -> None:
        """Wake everybody, for the last time."""
        self.ended = True
        self.tell()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Give an event that is set at every news, for the listener to clear."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)
