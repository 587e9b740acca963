"""Notifies those who wait for something new to read."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class News:
    """Notifies that there is something new, and never what: a listener reads it itself."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self.ended = False
        """Nothing more will come: listeners are to leave."""

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._waiting)

    def notify(self) -> None:
        """Wake everybody who listens."""
        for event in self._waiting:
            event.set()

    def end(self) -> None:
        """Wake everybody, for the last time."""
        self.ended = True
        self.notify()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Give an event that is set at every news, for the listener to clear."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)
