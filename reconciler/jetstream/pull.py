"""Asking a consumer for messages, and knowing that it is still there when none come.

In a cluster a consumer may lose its server while we keep ours, and what was asked for is
forgotten then without notice. So it is asked for heartbeats, too.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
from nats.aio.msg import Msg

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import nanoseconds, status_of

_LASTS = timedelta(hours=1)
_HEARTBEAT = timedelta(seconds=4)
_SILENT_AFTER = timedelta(seconds=10)
_IDLE = "100"


class Pull:
    """The wishes put to one consumer; *lost* is called when they have been forgotten."""

    def __init__(
        self, connection: Connection, stream: str, consumer: str, lost: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._lost = lost
        self._alarm: asyncio.TimerHandle | None = None

    async def ask(self, count: int, inbox: str) -> None:
        """Ask for *count* more messages; they go to *inbox* as soon as they are there."""
        self.alive()
        wish = {
            "batch": count,
            "expires": nanoseconds(_LASTS),
            "idle_heartbeat": nanoseconds(_HEARTBEAT),
        }
        await self._connection.post(self._subject, msgspec.json.encode(wish), reply=inbox)

    def hears(self, message: Msg) -> None:
        """Take what is no delivery: a heartbeat, or the status that nothing more will come."""
        status = status_of(message)
        if status is None:
            return
        if status.startswith(_IDLE):
            self.alive()
        else:
            self._lost()

    def alive(self) -> None:
        """Wait for the next sign of life."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(_SILENT_AFTER.total_seconds(), self._lost)

    def stop(self) -> None:
        """Wait no more."""
        if self._alarm is not None:
            self._alarm.cancel()
