"""A durable consumer: every message of a stream once it arrives, until it is acknowledged."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from nats.aio.msg import Msg

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Delivery, nanoseconds
from reconciler.jetstream.pull import Pull
from reconciler.jetstream.subscription import Subscription

_ROOM = 1024
"""So many messages may wait to be taken: what bounds memory when nobody takes them."""
_ACK_WITHIN = timedelta(seconds=20)
_READER = "kanade-reconciler.reader"


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

    Messages come in the background, as soon as they are stored; `changed` says so, and asks
    for a `take`, which does the upkeep as well. The name has one reader, the last one to begin:
    from then on an earlier one, stopped or merely slow, is sent nothing, and what it was sent
    and has not acknowledged comes to the new one at once.
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
        self._reader = secrets.token_hex(8)
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._waiting: dict[int, FeedMessage] = {}
        self._asked = 0
        self._broken = True
        self._pull = Pull(connection, stream, durable, self._connection_changed)
        self._stop_listening: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin, or go on after an interruption; not two of these at once.

        Raises:
            KanadeRefused: there is no such stream, or it may not be read.
            KanadeUnavailable: the connection was lost, and cannot be taken up again yet.
        """
        if self._broken:
            await self._attach()

    async def stop(self) -> None:
        """Stop following; the server goes on remembering what was acknowledged."""
        await self._detach()

    async def remove(self) -> None:
        """Stop, and make the server forget the consumer."""
        await self.stop()
        await api.delete_consumer(self._connection, self._stream, self._durable)

    async def take(self) -> list[FeedMessage]:
        """Return what has come and was not taken yet, without waiting for more.

        The first call begins, at the stream's first message or where the last reader stood.
        What was taken and is not acknowledged in time comes again. Raises what `start` raises.
        """
        await self.start()
        taken = list(self._waiting.values())
        self._waiting.clear()
        if self._asked < _ROOM // 2:
            await self._ask(_ROOM - self._asked)
        return taken

    async def _attach(self) -> None:
        await self._detach()
        self._stop_listening = self._connection.listen(self._connection_changed)
        self._inbox = self._connection.new_inbox()
        self._subscription = await self._connection.subscribe(self._inbox, self._receive)
        await self._own_consumer()
        self._asked = 0
        self._broken = False
        await self._ask(_ROOM)

    async def _own_consumer(self) -> None:
        """Have the consumer to ourselves: that of an earlier reader goes, and its wishes with it.

        Should we be gone before there is a new one, all is read again, which costs only time.
        """
        found = await api.consumer_info(self._connection, self._stream, self._durable)
        if found is not None and found.config.metadata.get(_READER) == self._reader:
            return
        beginning: dict[str, object] = {"deliver_policy": "all"}
        if found is not None:
            await api.delete_consumer(self._connection, self._stream, self._durable)
            start = found.ack_floor.stream_seq + 1
            beginning = {"deliver_policy": "by_start_sequence", "opt_start_seq": start}
        config = {
            **beginning,
            "name": self._durable,
            "durable_name": self._durable,
            "filter_subject": self._filter_subject,
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(_ACK_WITHIN),
            "max_ack_pending": 4 * _ROOM,
            "replay_policy": "instant",
            "metadata": {_READER: self._reader},
        }
        await api.create_consumer(self._connection, self._stream, config)

    async def _detach(self) -> None:
        self._broken = True
        self._stop_listening()
        self._pull.stop()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await self._connection.unsubscribe(subscription)

    async def _receive(self, message: Msg) -> None:
        delivery = Delivery.parse(message.reply)
        if delivery is None:
            self._pull.hears(message)
            return
        self._pull.alive()
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
        await self._pull.ask(count, self._inbox)

    def _connection_changed(self) -> None:
        self._broken = True
        self._changed()
