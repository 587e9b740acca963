"""A durable consumer: every message of a stream once it is there, until it is acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from nats.aio.msg import Msg

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Delivery, status_of
from reconciler.jetstream.subscription import Subscription

_ROOM = 1024
"""So many messages may wait to be taken: what bounds memory when nobody takes them."""
_ACK_WITHIN = timedelta(seconds=60)
_LOOK_AFTER_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """A message to act on; `ack` it when what it says is kept, or it comes again."""

    subject: str
    data: bytes = field(repr=False)
    sequence: int
    timestamp: datetime
    ack: Callable[[], Awaitable[None]] = field(repr=False)


class Feed:
    """Follows a stream under a name that the server remembers.

    Messages come in the background, as soon as they are stored; `changed` says so. Between
    two processes with the same name they are shared out: only one of them may run it. The
    upkeep (a restarted server, a deleted consumer) is done in `take`, so it must be called
    now and then, and after every `changed`.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        filter_subject: str,
        durable: str,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._filter_subject = filter_subject
        self._durable = durable
        self._changed = changed
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._waiting: dict[int, FeedMessage] = {}
        self._asked = 0
        self._broken = True
        self._look_at = 0.0
        self._stop_listening: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Make the consumer, from the stream's first message on, or go on where it stands.

        Raises:
            KanadeRefused: there is no such stream, or it may not be read.
            KanadeUnavailable: the server does not answer.
        """
        self._stop_listening = self._connection.listen(self._connection_changed)
        await self._attach()

    async def stop(self) -> None:
        """Stop following; the server goes on remembering what was acknowledged."""
        self._stop_listening()
        await self._detach()

    async def remove(self) -> None:
        """Stop, and make the server forget the consumer."""
        await self.stop()
        await api.delete_consumer(self._connection, self._stream, self._durable)

    async def take(self) -> list[FeedMessage]:
        """Return what has come and was not taken yet, without waiting for more.

        What was taken and is not acknowledged within a minute comes again.

        Raises:
            KanadeUnavailable: the connection was lost, and cannot be taken up again yet.
        """
        if self._broken or not await self._looks_well():
            await self._attach()
        taken = list(self._waiting.values())
        self._waiting.clear()
        if self._asked < _ROOM // 2:
            await self._ask(_ROOM - self._asked)
        return taken

    async def _attach(self) -> None:
        await self._detach()
        self._inbox = self._connection.new_inbox()
        self._subscription = await self._connection.subscribe(self._inbox, self._receive)
        config = {
            "name": self._durable,
            "durable_name": self._durable,
            "filter_subject": self._filter_subject,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(_ACK_WITHIN.total_seconds() * 1_000_000_000),
            "max_ack_pending": 4 * _ROOM,
            "replay_policy": "instant",
        }
        await api.create_consumer(self._connection, self._stream, config)
        self._asked = 0
        self._broken = False
        self._seen_alive()
        await self._ask(_ROOM)

    async def _detach(self) -> None:
        self._broken = True
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await self._connection.unsubscribe(subscription)

    async def _looks_well(self) -> bool:
        """Ask, when nothing has come for a while, whether the server still wants to send."""
        if asyncio.get_running_loop().time() < self._look_at:
            return True
        info = await api.consumer_info(self._connection, self._stream, self._durable)
        self._seen_alive()
        return info is not None and info.num_waiting > 0

    async def _receive(self, message: Msg) -> None:
        delivery = Delivery.parse(message.reply)
        if delivery is None:
            self._broken = self._broken or status_of(message) is not None
        else:
            self._seen_alive()
            self._asked -= 1
            self._waiting[delivery.stream_sequence] = FeedMessage(
                message.subject,
                message.data,
                delivery.stream_sequence,
                delivery.timestamp,
                partial(self._acknowledge, message.reply),
            )
        self._changed()

    async def _acknowledge(self, reply: str) -> None:
        await self._connection.post(reply, b"+ACK")

    async def _ask(self, count: int) -> None:
        self._asked += count
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}"
        await self._connection.post(subject, b'{"batch":%d}' % count, reply=self._inbox)

    def _seen_alive(self) -> None:
        self._look_at = asyncio.get_running_loop().time() + _LOOK_AFTER_SECONDS

    def _connection_changed(self) -> None:
        self._broken = True
        self._changed()
