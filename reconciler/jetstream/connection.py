"""The connection to NATS: bounded waits, errors of ours, and it comes back by itself."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Self

from nats import errors as nats_errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream.link import Link
from reconciler.jetstream.options import NatsOptions, without_credentials
from reconciler.jetstream.replies import Replies
from reconciler.jetstream.subscription import Handler, Subscription, checked_subject
from reconciler.jetstream.wire_errors import not_permitted, translated

ANSWER_WITHIN = timedelta(seconds=5)
_PATIENCE = ANSWER_WITHIN
_SILENCES_TO_LEAVE = 2


class Connection:
    """A client of NATS that never hangs and never prints.

    A link that has ended is replaced at its next use, and listeners hear that they missed some.
    """

    def __init__(self, options: NatsOptions) -> None:
        self._options = options
        self._link = Link(options, self)
        self._replies = Replies(self.new_inbox())
        self._subscriptions: set[Subscription] = set()
        self._listeners: set[Callable[[], None]] = set()
        self._forbidden: dict[str, str] = {}
        self._up = asyncio.Event()
        self._opening = asyncio.Lock()
        self._attempt = 0
        self._silences = 0
        self._ended = False

    async def open(self) -> None:
        """Connect; raises what `Link.open` raises."""
        await self._link.open()
        self.link_up()
        if not self._subscriptions:
            await self.subscribe(self._replies.subject, self._replies.deliver)

    async def close(self) -> None:
        """End the connection, for good."""
        self._ended = True
        await self._link.close()
        self._replies.fail(KanadeUnavailable(f"{self.at('NATS')}: the connection was closed"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def server(self) -> str:
        """The server's URL for people to see, without credentials."""
        url = self._link.client.connected_url
        return without_credentials(url.geturl()) if url else self._options.shown

    @property
    def connected(self) -> bool:
        """True while there is a connection, as far as is known without asking."""
        return self._link.client.is_connected

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, or what went wrong last; `None` when all is well."""
        return None if self.connected else (self._link.trouble or "not connected")

    @property
    def max_payload_bytes(self) -> int:
        """The largest message that this server takes; another one may take less."""
        return self._link.client.max_payload

    @property
    def clustered(self) -> bool:
        """True when this server is one of several, so that streams can have replicas."""
        return self._link.clustered

    def at(self, what: str) -> str:
        """Return what an error is about, and where: the `endpoint` of `translated`."""
        return f"{what} on {self.server}"

    def new_inbox(self) -> str:
        """Return a subject that nobody else uses, for answers."""
        return f"{self._options.inbox_prefix}.{secrets.token_hex(11)}"

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call *changed* whenever the connection is lost or is back; returns what ends that."""
        self._listeners.add(changed)
        return lambda: self._listeners.discard(changed)

    async def rtt(self) -> timedelta:
        """Return the time of a round trip to the server: the only proof that it is reachable."""
        started = asyncio.get_running_loop().time()
        await self._flush(self.at("NATS"))
        return timedelta(seconds=asyncio.get_running_loop().time() - started)

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        """Call *handler* for every message on *subject*, one after the other.

        Raises:
            Unauthorized: the user may not subscribe to it.
        """
        subscription = Subscription(subject, handler)
        endpoint = self.at(subject)
        with translated(endpoint):
            await self._attach(await self._client(), subscription)
        self._subscriptions.add(subscription)
        await self._flush(endpoint)
        if self._forbidden.pop(subject.casefold(), None):
            await self.unsubscribe(subscription)
            raise not_permitted(endpoint, "subscribe to", subject)
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Drop the interest; without a connection there is nothing to drop at the server."""
        self._subscriptions.discard(subscription)
        raw, subscription.raw = subscription.raw, None
        if raw is not None and not self._link.client.is_closed:
            with translated(self.at(subscription.subject)):
                await raw.unsubscribe()

    async def post(
        self,
        subject: str,
        data: bytes = b"",
        reply: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a message and do not wait: for what may be lost, such as an acknowledgement."""
        with translated(self.at(subject)):
            client = await self._client()
            named = dict(headers) if headers else None
            await client.publish(checked_subject(subject), data, reply=reply, headers=named)

    async def publish(
        self, subject: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a message that nobody answers; when this returns the server has it.

        Raises:
            Unauthorized: the user may not publish there.
        """
        endpoint = self.at(subject)
        await self.post(subject, data, headers=headers)
        await self._flush(endpoint)
        if self._forbidden.pop(subject.casefold(), None):
            raise not_permitted(endpoint, "publish to", subject)

    async def send_request(
        self, subject: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> asyncio.Future[Msg]:
        """Send a request and return the future of its answer; many may be under way.

        The future ends with an error as soon as the connection is lost: what happened to the
        request is unknown then. It has no deadline of its own.
        """
        client = await self._client()
        reply, future = self._replies.expect(checked_subject(subject))
        await client.publish(subject, data, reply=reply, headers=dict(headers) if headers else None)
        return future

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        within: timedelta | None = None,
    ) -> Msg:
        """Send a request and return its answer; *what* it is about is what an error names."""
        with translated(self.at(what)):
            future = await self.send_request(subject, data, headers)
        try:
            return await self.answer(future, what=what, within=within)
        finally:
            future.cancel()

    async def answer(
        self, future: asyncio.Future[Msg], *, what: str, within: timedelta | None = None
    ) -> Msg:
        """Wait for the answer to a `send_request`; a server that stays silent is left.

        A caller that is cancelled while waiting may still wait for the same answer afterwards.
        """
        with translated(self.at(what)):
            await asyncio.wait((future,), timeout=(within or _PATIENCE).total_seconds())
            if not future.done():
                future.cancel()
                await self._count_silence()
                raise TimeoutError
            answer = future.result()
        self._silences = 0
        return answer

    def link_up(self) -> None:
        """Implement `link.Watcher`."""
        self._forbidden.clear()
        self._silences = 0
        self._up.set()
        self._tell()

    def link_down(self) -> None:
        """Implement `link.Watcher`."""
        self._up.clear()
        why = self._link.trouble or "the connection was lost"
        self._replies.fail(
            KanadeUnavailable(f"{self.at('NATS')}: {why}; what was under way is unknown")
        )
        self._tell()

    def forbidden(self, verb: str, subject: str) -> None:
        """Implement `link.Watcher`."""
        if not self._replies.refuse(
            subject, lambda asked: not_permitted(self.at("NATS"), f"{verb} to", asked)
        ):
            self._forbidden[subject] = verb

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    async def _client(self) -> Client:
        """Return a connected client; a connection that is being made again is waited for."""
        if self._link.client.is_connected or self._ended:
            return self._link.client
        if self._link.client.is_closed:
            await self._replace_link()
            return self._link.client
        self._up.clear()
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await self._up.wait()
        except TimeoutError as error:
            raise KanadeUnavailable(
                f"{self.at('NATS')}: {self.trouble}; nothing was sent"
            ) from error
        return self._link.client

    async def _replace_link(self) -> None:
        attempt = self._attempt
        async with self._opening:
            if not self._link.client.is_closed:
                return
            if self._attempt != attempt:
                # Another has tried while we waited for our turn: that will do for both.
                raise KanadeUnavailable(f"{self.at('NATS')}: {self.trouble}; nothing was sent")
            link = Link(self._options, self)
            try:
                await link.open()
            finally:
                self._attempt += 1
            self._link = link
            for subscription in list(self._subscriptions):
                await self._attach(link.client, subscription)
        self.link_up()

    @staticmethod
    async def _attach(client: Client, subscription: Subscription) -> None:
        subscription.raw = await client.subscribe(subscription.subject, cb=subscription.handler)

    async def _flush(self, endpoint: str) -> None:
        with translated(endpoint):
            await self._client()
            try:
                await self._link.flush(_PATIENCE)
            except nats_errors.TimeoutError:
                await self._count_silence()
                raise

    async def _count_silence(self) -> None:
        self._silences += 1
        if self._silences >= _SILENCES_TO_LEAVE:
            self._silences = 0
            await self._link.leave_silent_server()


async def connect(options: NatsOptions) -> Connection:
    """Connect to NATS, within the options' deadline.

    Raises:
        Unauthorized: the server refuses the credentials.
        KanadeUnavailable: no server answers.
        KanadeRefused: the server is too old.
        UsageError: a URL or a file of the options is wrong.
    """
    connection = Connection(options)
    await connection.open()
    return connection
