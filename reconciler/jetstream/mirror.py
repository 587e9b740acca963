"""A warm copy of the last message of every subject that matches a filter."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.tail import Tail

_ATTEMPTS = 3
_OWN_WRITE_SECONDS = 2.0


@dataclass(slots=True)
class _Copy:
    messages: dict[str, Message] = field(default_factory=dict)
    live: dict[str, Message] = field(default_factory=dict)

    def put(self, message: Message) -> None:
        self.messages[message.subject] = message
        if message.deleted:
            self.live.pop(message.subject, None)
        else:
            self.live[message.subject] = message


class Mirror:
    """KV buckets, object metadata or command slots, kept as they are in the server.

    The copy is only known to be right at the end of `refresh`; `changed` is called when it is
    worth reading again, and carries nothing. What the server removes without a marker (a
    purge, a message grown too old) leaves the copy at the next `resync`.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        filter_subject: str,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._filter_subject = filter_subject
        self._changed = changed
        self._lock = asyncio.Lock()
        self._tail: Tail | None = None
        self._copy = _Copy()
        self._stop_listening: Callable[[], None] = lambda: None
        self._followers: list[Callable[[str | None], None]] = []
        self.revision = 0
        """Rises with every change of the copy: equal revisions, equal copies."""

    @property
    def messages(self) -> Mapping[str, Message]:
        """By subject, the markers of deleted keys among them; changes under an `await`."""
        return MappingProxyType(self._copy.messages)

    @property
    def live(self) -> Mapping[str, Message]:
        """By subject, without the markers of deleted keys; changes under an `await`."""
        return MappingProxyType(self._copy.live)

    def follow(self, changed: Callable[[str | None], None]) -> None:
        """Call *changed* with the subject of every change, or `None` when any may have changed."""
        self._followers.append(changed)

    async def start(self) -> None:
        """Read everything, and follow from there.

        Raises:
            KanadeRefused: there is no such stream, or it may not be read.
            KanadeUnavailable: the server does not answer.
        """
        self._stop_listening = self._connection.listen(self._connection_changed)
        await self.resync()

    async def stop(self) -> None:
        """Stop following; the consumer is taken away from the server."""
        self._stop_listening()
        async with self._lock:
            if self._tail is not None:
                await self._tail.close()
                self._tail = None

    async def refresh(self) -> None:
        """Prove that the copy has all that was stored before this call.

        Raises:
            KanadeUnavailable: the server does not answer: the copy is not to be used.
            KanadeRefused: the stream is gone, or may not be read any more.
        """
        async with self._lock:
            if not await self._proved():
                await self._rebuild()

    async def resync(self) -> None:
        """Read everything again; raises what `refresh` raises."""
        async with self._lock:
            await self._rebuild()

    async def caught_up(self, sequence: int) -> None:
        """Wait until the copy has what was stored at *sequence*: the caller's own write."""
        tail = self._tail
        if tail is not None and not tail.broken:
            try:
                async with asyncio.timeout(_OWN_WRITE_SECONDS):
                    await tail.reach(sequence)
            except TimeoutError:
                tail.break_off()
        if tail is None or tail.broken:
            await self.refresh()

    async def _proved(self) -> bool:
        if self._tail is None or self._tail.broken:
            return False
        try:
            return await self._tail.prove()
        except KanadeUnavailable:
            # The connection was lost under the question, or, in a cluster, the consumer alone
            # has lost its server: either way a new reading may well succeed.
            return False

    async def _rebuild(self) -> None:
        for _ in range(_ATTEMPTS):
            copy = _Copy()
            taken = partial(self._take, copy)
            tail = Tail(self._connection, self._stream, self._filter_subject, taken, self._changed)
            try:
                await tail.open()
                proved = await tail.prove()
            except BaseException:
                await tail.close()
                raise
            if proved:
                await self._replace(copy, tail)
                return
            await tail.close()
        what = self._connection.at(api.called(self._stream))
        raise KanadeUnavailable(f"{what}: the reading broke off {_ATTEMPTS} times")

    async def _replace(self, copy: _Copy, tail: Tail) -> None:
        if copy.messages != self._copy.messages:
            self._note(None)
        old, self._tail, self._copy = self._tail, tail, copy
        if old is not None:
            await old.close()

    def _take(self, copy: _Copy, message: Message) -> None:
        copy.put(message)
        if copy is self._copy:
            self._note(message.subject)
            self._changed()

    def _note(self, subject: str | None) -> None:
        self.revision += 1
        for follower in self._followers:
            follower(subject)

    def _connection_changed(self) -> None:
        if self._tail is not None:
            self._tail.break_off()
        self._changed()
