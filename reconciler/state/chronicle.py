"""The newest of our events, held in memory for readers over HTTP: read once, then followed."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

import structlog

from reconciler.errors import ReconcilerError
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.tail import Tail
from reconciler.model.status import Event
from reconciler.ports import Clock
from reconciler.state.codec import decode
from reconciler.state.names import EVENTS_STREAM, EVENTS_SUBJECT

_KEPT = 5_000
"""Of releases, and as many of hosts: a large fleet's hosts never push out the releases'."""
_READ_BACK = 100_000
"""So many are searched at the start: most of a large fleet's are its hosts'."""
_TRY_AGAIN = timedelta(seconds=2)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event, and its number in the stream: later ones have higher numbers."""

    sequence: int
    event: Event


class Chronicle:
    """Follows the stream of our events, each once and in order; calls *changed* at every one."""

    def __init__(self, connection: Connection, clock: Clock, changed: Callable[[], None]) -> None:
        self._connection = connection
        self._clock = clock
        self._changed = changed
        self._of_releases: deque[Entry] = deque(maxlen=_KEPT)
        self._of_hosts: deque[Entry] = deque(maxlen=_KEPT)
        self.newest = 0
        """The number of the last event."""

    def entries(self, after: int = 0) -> list[Entry]:
        """Return what is held and came *after* that number, the oldest first."""
        fresh = [
            entry for held in (self._of_releases, self._of_hosts) for entry in _since(held, after)
        ]
        return sorted(fresh, key=lambda entry: entry.sequence)

    async def run(self) -> None:
        """Follow until cancelled; what was missed while NATS was away is read afterwards."""
        while True:
            try:
                await self._follow()
            except ReconcilerError as error:
                log.warning("the events cannot be followed", why=str(error))
            await self._clock.sleep(_TRY_AGAIN)

    async def _follow(self) -> None:
        lost = asyncio.Event()
        stop_listening = self._connection.listen(lost.set)
        try:
            last = (await api.stream_info(self._connection, EVENTS_STREAM)).state.last_seq
            if last < self.newest:  # it was created again, and counts from the beginning
                self.newest = 0
                self._of_releases.clear()
                self._of_hosts.clear()
            start = max(self.newest + 1, last - _READ_BACK + 1)
            subject = f"{EVENTS_SUBJECT}.>"
            tail = Tail(self._connection, EVENTS_STREAM, subject, self._take, lost.set)
            try:
                await tail.open({"deliver_policy": "by_start_sequence", "opt_start_seq": start})
                await lost.wait()
            finally:
                await tail.close()
        finally:
            stop_listening()

    def _take(self, message: Message) -> None:
        if message.sequence <= self.newest:
            return
        self.newest = message.sequence
        try:
            event = decode(message.data, Event)
        except ValueError as error:
            log.warning("event unreadable", sequence=message.sequence, error=str(error))
            return
        entry = Entry(sequence=message.sequence, event=event)
        (self._of_releases if event.host is None else self._of_hosts).append(entry)
        self._changed()


def _since(held: deque[Entry], after: int) -> Iterator[Entry]:
    """Yield the newest of *held*, and read no more of it."""
    return takewhile(lambda entry: entry.sequence > after, reversed(held))
