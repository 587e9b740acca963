"""An ephemeral consumer: by default the last message of every subject, and what follows."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta

from nats.aio.msg import Msg

from reconciler.errors import KanadeRefused, KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Delivery, Message, nanoseconds, received
from reconciler.jetstream.pull import Pull
from reconciler.jetstream.subscription import Subscription

_ASK = 4096
"""So many messages may be on their way to us: what bounds a slow reader's memory."""
_GONE_AFTER = timedelta(seconds=30)
_LAST_OF_EACH: Mapping[str, object] = {"deliver_policy": "last_per_subject"}
_SILENT_SECONDS = 3.0
"""Between two messages, not for all: a large bucket on a slow machine takes its time."""


class Tail:
    """One consumer, for as long as nothing it sends gets lost.

    The server sends at once what comes, and never more than was asked for. The consumer counts
    what it sends; a number left out, a status from the server, silence for a while or a lost
    connection makes the tail `broken`, and then it must be replaced; *lost* says so.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        filter_subject: str,
        taken: Callable[[Message], None],
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._filter_subject = filter_subject
        self._taken = taken
        self._name = f"reconciler-{secrets.token_hex(8)}"
        self._lost = lost
        self._pull = Pull(connection, stream, self._name, self._lose)
        self._inbox = connection.new_inbox()
        self._subscription: Subscription | None = None
        self._seen = 0
        self._asked = 0
        self._progress = asyncio.Event()
        self.last_sequence = 0
        """The newest place in the stream that has been handed on."""
        self.broken = False

    async def open(self, start: Mapping[str, object] = _LAST_OF_EACH) -> None:
        """Start; what the stream holds arrives from now on, as far back as *start* says.

        Raises:
            KanadeRefused: there is no such stream, or it may not be read.
        """
        self._subscription = await self._connection.subscribe(self._inbox, self._receive)
        config = {
            "name": self._name,
            "filter_subject": self._filter_subject,
            **start,
            "ack_policy": "none",
            "replay_policy": "instant",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": nanoseconds(_GONE_AFTER),
        }
        await api.create_consumer(self._connection, self._stream, config)
        await self._ask(_ASK)

    async def close(self) -> None:
        """Stop, and have the consumer taken away, which is not waited for: it goes by itself."""
        self.break_off()
        with contextlib.suppress(KanadeUnavailable, KanadeRefused):
            if self._subscription is not None:
                await self._connection.unsubscribe(self._subscription)
            if self._connection.connected:
                subject = f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._name}"
                await self._connection.post(subject)

    def break_off(self) -> None:
        """Say that something may have been missed."""
        self.broken = True
        self._pull.stop()
        self._progress.set()

    async def prove(self) -> bool:
        """Return once all that was stored before this call has been handed on; False if broken.

        Raises:
            KanadeUnavailable: the server does not answer, so nothing is proved.
        """
        while not self.broken:
            seen = self.last_sequence
            # What the consumer says of itself may lag behind an acknowledged write; the store
            # does not.
            newest, consumer = await asyncio.gather(
                api.last_message(self._connection, self._stream, self._filter_subject),
                api.consumer_info(self._connection, self._stream, self._name),
            )
            sequence = newest.sequence if newest else 0
            if consumer is None or sequence < seen:
                self.break_off()
            elif await self._arrives(sequence):
                return True
        return False

    async def reach(self, sequence: int) -> None:
        """Return when the message at *sequence* of the stream was handed on, or it is broken."""
        while self.last_sequence < sequence and not self.broken:
            self._progress.clear()
            await self._progress.wait()

    async def _arrives(self, sequence: int) -> bool:
        """Wait for what the server has; when nothing comes for a while, it got lost."""
        while self.last_sequence < sequence and not self.broken:
            seen = self.last_sequence
            try:
                async with asyncio.timeout(_SILENT_SECONDS):
                    await self.reach(seen + 1)
            except TimeoutError:
                self.break_off()
        return not self.broken

    async def _receive(self, message: Msg) -> None:
        if self.broken:
            return
        delivery = Delivery.parse(message.reply)
        if delivery is None:
            self._pull.hears(message)
            return
        if delivery.consumer_sequence != self._seen + 1:
            self._lose()
            return
        self._pull.alive()
        self._seen = delivery.consumer_sequence
        self.last_sequence = delivery.stream_sequence
        self._taken(received(message, delivery))
        self._progress.set()
        self._asked -= 1
        if self._asked < _ASK // 2:
            await self._ask(_ASK // 2)

    async def _ask(self, count: int) -> None:
        self._asked += count
        await self._pull.ask(count, self._inbox)

    def _lose(self) -> None:
        self.break_off()
        self._lost()
