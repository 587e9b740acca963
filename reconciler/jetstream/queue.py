"""A durable consumer that gives out one message at a time, in order, until it is settled."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nats.aio.msg import Msg

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream.connection import ANSWER_WITHIN, Connection
from reconciler.jetstream.message import Delivery, nanoseconds, status_of
from reconciler.jetstream.subscription import Subscription

_WAIT = timedelta(seconds=20)
"""How long the server holds a request for the next message, where there is none yet."""
SETTLE_WITHIN = timedelta(seconds=60)
_FORGOTTEN_AFTER = timedelta(days=30)
"""The server drops a consumer that nobody has read from for so long."""
_NOTHING_YET = ("404", "408")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The message whose turn it is; nothing comes after it before it is settled."""

    data: bytes = field(repr=False)
    sequence: int
    stored_at: datetime
    deliveries: int
    """How often it has been given out, this time included; the server counts."""
    settle_on: str = field(repr=False)


class Queue:
    """Reads a stream in order, under a name that the server remembers.

    What is put off keeps its place, so that an old message never overtakes a newer one. What
    was given to a reader that died comes again when `SETTLE_WITHIN` has passed.
    """

    def __init__(
        self, connection: Connection, stream: str, filter_subject: str, durable: str
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._filter_subject = filter_subject
        self._durable = durable
        self._inbox = connection.new_inbox()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Begin with what is stored from now on, or go on where the last reader stood.

        May be called again, to make a consumer that was lost.

        Raises:
            KanadeRefused: there is no such stream, or it may not be read.
            KanadeUnavailable: the server does not answer.
        """
        if self._subscription is None:
            self._subscription = await self._connection.subscribe(self._inbox, self._arrived.put)
            self._stop_listening = self._connection.listen(self._lost)
        config = {
            "name": self._durable,
            "durable_name": self._durable,
            "filter_subject": self._filter_subject,
            "deliver_policy": "new",
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(SETTLE_WITHIN),
            "max_ack_pending": 1,
            "inactive_threshold": nanoseconds(_FORGOTTEN_AFTER),
        }
        await api.create_consumer(self._connection, self._stream, config)

    async def close(self) -> None:
        """Stop reading; the server goes on remembering what was settled."""
        self._stop_listening()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with contextlib.suppress(KanadeUnavailable):
                await self._connection.unsubscribe(subscription)

    async def next(self) -> Turn | None:
        """Wait for the next message; `None` when there was none for a while.

        Raises:
            KanadeUnavailable: the server does not answer, or has lost the name: open again.
        """
        ask = json.dumps({"batch": 1, "expires": nanoseconds(_WAIT)}).encode()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}"
        await self._connection.post(subject, ask, reply=self._inbox)
        message = await self._arrival()
        delivery = Delivery.parse(message.reply) if message is not None else None
        if message is not None and delivery is not None:
            return Turn(
                data=message.data,
                sequence=delivery.stream_sequence,
                stored_at=delivery.timestamp,
                deliveries=delivery.deliveries,
                settle_on=message.reply,
            )
        status = (status_of(message) or "") if message is not None else "the connection was lost"
        if status.startswith(_NOTHING_YET):
            return None
        raise KanadeUnavailable(f"{self._connection.at(self._durable)}: {status}")

    async def _arrival(self) -> Msg | None:
        try:
            async with asyncio.timeout((_WAIT + ANSWER_WITHIN).total_seconds()):
                return await self._arrived.get()
        except TimeoutError as error:
            where = self._connection.at(self._durable)
            raise KanadeUnavailable(f"{where}: no answer") from error

    def _lost(self) -> None:
        self._arrived.put_nowait(None)

    async def done(self, turn: Turn) -> None:
        """Settle *turn* for good; when this returns the server knows."""
        await self._settle(turn, b"+ACK")

    async def put_off(self, turn: Turn, delay: timedelta) -> None:
        """Let *turn* come again after *delay*, and nothing before it."""
        await self._settle(turn, b'-NAK {"delay": %d}' % nanoseconds(delay))

    async def give_up(self, turn: Turn) -> None:
        """Never let *turn* come again."""
        await self._settle(turn, b"+TERM")

    async def _settle(self, turn: Turn, how: bytes) -> None:
        await self._connection.request(turn.settle_on, how, what=self._durable)
