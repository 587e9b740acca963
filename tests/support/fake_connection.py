"""A connection to a `FakeNats`: what `jetstream.connection.Connection` is to a real server."""

import asyncio
import base64
import contextvars
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.subscription import Handler, Subscription, checked_subject
from reconciler.jetstream.wire_errors import translated
from tests.support.fake_nats import ApiRefusal, Consumer, FakeNats

_API = "$JS.API."
_CLIENT = Client()
_HEARTBEAT = {"Status": "100", "Description": "Idle Heartbeat"}
_EXPIRED = {"Status": "408", "Description": "Request Timeout"}

Around = Callable[[str, object], AbstractAsyncContextManager[None]]
"""What happens around each request: `nats.store` or `nats.ask`, and the subject."""
Delay = Callable[[], float | None]
"""How many seconds a message is on its way to the client; `None` when it gets lost."""


class FakeConnection(Connection):
    """Implements `Connection` as far as our own state uses it.

    Each request is an await point before and after its effect. What a consumer sends arrives in
    its order, in a task that lives in the context in which this connection was made.
    """

    def __init__(
        self,
        server: FakeNats,
        around: Around | None = None,
        delay: Delay = lambda: 0.0,
    ) -> None:
        self._nats = server
        self._around = around or _at_once
        self._delay = delay
        self._numbers = count(1)
        self._handlers: dict[str, Handler] = {}
        self._hearers: dict[int, Callable[[], None]] = {}
        self._context = contextvars.copy_context()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alive = True
        server.clients.append(self._tell)

    def drop(self) -> None:
        """Be gone with the process: the server forgets its consumers, and nothing arrives."""
        self._alive = False
        self._handlers.clear()
        self._hearers.clear()
        self._nats.clients.remove(self._tell)
        self._nats.leave(self)

    @property
    def server(self) -> str:
        return "memory"

    @property
    def connected(self) -> bool:
        return self._alive

    @property
    def clustered(self) -> bool:
        return False

    def new_inbox(self) -> str:
        return f"_INBOX.{next(self._numbers)}"

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        number = next(self._numbers)
        self._hearers[number] = changed

        def stop() -> None:
            self._hearers.pop(number, None)

        return stop

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        self._handlers[subject] = handler
        return Subscription(subject, handler)

    async def unsubscribe(self, subscription: Subscription) -> None:
        self._handlers.pop(subscription.subject, None)

    async def post(
        self,
        subject: str,
        data: bytes = b"",
        reply: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        del headers
        verb, *_, stream, name = subject.removeprefix(f"{_API}CONSUMER.").split(".")
        try:
            consumer = self._nats.consumer(stream, name)
        except ApiRefusal:
            return
        if verb == "DELETE":
            del self._nats.streams[stream].consumers[name]
        elif consumer.give is None:
            wish: dict[str, int] = msgspec.json.decode(data)
            _Wire(
                connection=self,
                consumer=consumer,
                stream=stream,
                inbox=reply,
                heartbeat_seconds=wish["idle_heartbeat"] / 1e9,
                ends_at=asyncio.get_running_loop().time() + wish["expires"] / 1e9,
            ).begin()

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        within: timedelta | None = None,
    ) -> Msg:
        del within
        is_api = checked_subject(subject).startswith(_API)
        with translated(self.at(what)):
            async with self._around("nats.ask" if is_api else "nats.store", subject):
                if not self._alive:
                    raise KanadeUnavailable("the process is gone")
                answer = (
                    self._asked(subject, data)
                    if is_api
                    else self._published(subject, data, headers or {})
                )
        return Msg(_CLIENT, data=msgspec.json.encode(answer))

    def _published(
        self, subject: str, data: bytes, headers: Mapping[str, str]
    ) -> Mapping[str, object]:
        try:
            sequence = self._nats.publish(subject, data, headers)
        except ApiRefusal as refusal:
            return {"error": refusal.answer}
        if sequence is None:
            raise NoRespondersError
        return {"seq": sequence}

    def _asked(self, subject: str, data: bytes) -> Mapping[str, object]:
        words = subject.removeprefix(_API).split(".")
        payload = msgspec.json.decode(data or b"{}")
        try:
            return self._answer(words, payload)
        except ApiRefusal as refusal:
            return {"error": refusal.answer}

    def _answer(self, words: list[str], payload: dict[str, object]) -> Mapping[str, object]:
        match words:
            case ["STREAM", "CREATE", _]:
                return self._nats.make(payload)
            case ["STREAM", "INFO", stream]:
                return self._nats.info(stream)
            case ["STREAM", "DELETE", stream]:
                self._nats.stream(stream)
                del self._nats.streams[stream]
                return {"success": True}
            case ["STREAM", "MSG", "GET", stream]:
                return {"message": _raw(self._nats.newest(stream, str(payload["last_by_subj"])))}
            case ["CONSUMER", "CREATE", stream, *_]:
                config = payload["config"]
                assert isinstance(config, dict)
                return _info(self._nats.consume(stream, config, self))
            case ["CONSUMER", "INFO", stream, name]:
                return _info(self._nats.consumer(stream, name))
            case _:
                raise AssertionError(f"nobody has asked that before: {words}")

    def _tell(self) -> None:
        for hear in list(self._hearers.values()):
            hear()

    def arrive(self, inbox: str, message: Msg) -> None:
        """Hand a message over, if anybody still wants it."""
        handler = self._handlers.get(inbox)
        if handler is not None:
            loop = asyncio.get_running_loop()
            task = loop.create_task(_handled(handler, message), context=self._context)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def delay(self) -> float | None:
        """Return how long the next message takes."""
        return self._delay()

    def has(self, consumer: Consumer, stream: str) -> bool:
        """Tell whether *consumer* still sends to us."""
        found = self._nats.streams.get(stream)
        return self._alive and found is not None and consumer.name in found.consumers


@dataclass(kw_only=True, eq=False)
class _Wire:
    """What a consumer sends: in its order, each some time later, with signs of life between."""

    connection: FakeConnection
    consumer: Consumer
    stream: str
    inbox: str
    heartbeat_seconds: float
    ends_at: float
    waiting: list[Msg] = field(default_factory=list)

    def begin(self) -> None:
        """Let flow what is there and what comes."""
        self.consumer.give = self._give
        asyncio.get_running_loop().call_later(self.heartbeat_seconds, self._beat)
        self.consumer.flow(self.stream)

    def _give(self, message: Message, reply: str) -> None:
        headers = dict(message.headers)
        self._send(Msg(_CLIENT, message.subject, reply, message.data, headers))

    def _send(self, message: Msg) -> None:
        delay = self.connection.delay()
        if delay is not None:
            self.waiting.append(message)
            asyncio.get_running_loop().call_later(delay, self._arrive)

    def _arrive(self) -> None:
        self.connection.arrive(self.inbox, self.waiting.pop(0))

    def _beat(self) -> None:
        """Say that there is nothing new; or that the wish is too old, and must be put again."""
        loop = asyncio.get_running_loop()
        if not self.connection.has(self.consumer, self.stream):
            return
        is_over = loop.time() >= self.ends_at
        self._send(Msg(_CLIENT, self.inbox, headers=_EXPIRED if is_over else _HEARTBEAT))
        if is_over:
            self.consumer.give = None
        else:
            loop.call_later(self.heartbeat_seconds, self._beat)


@asynccontextmanager
async def _at_once(_: str, __: object) -> AsyncIterator[None]:
    await asyncio.sleep(0)
    yield


async def _handled(handler: Handler, message: Msg) -> None:
    await handler(message)


def _raw(message: Message) -> Mapping[str, object]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in message.headers.items())
    return {
        "subject": message.subject,
        "seq": message.sequence,
        "time": message.timestamp.isoformat(),
        "data": base64.b64encode(message.data).decode(),
        "hdrs": base64.b64encode(f"NATS/1.0\r\n{lines}\r\n".encode()).decode(),
    }


def _info(consumer: Consumer) -> Mapping[str, object]:
    place = {"consumer_seq": consumer.sequence, "stream_seq": consumer.stream_sequence}
    return {
        "name": consumer.name,
        "config": {},
        "delivered": place,
        "ack_floor": place,
        "num_pending": len(consumer.pending),
    }
