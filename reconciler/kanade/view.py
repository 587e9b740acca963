"""A mirror with its messages decoded, each once for each time that it is written."""

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.mirror import Mirror
from reconciler.ports import Wake

Value = TypeVar("Value")
Decoder = Callable[[Message], Value | None]


class Following(Protocol):
    """What can be made current, read again and stopped: a mirror, or what stands for one."""

    async def refresh(self) -> None:
        """See `Mirror.refresh`."""

    async def resync(self) -> None:
        """See `Mirror.resync`."""

    async def stop(self) -> None:
        """See `Mirror.stop`."""


class View(Generic[Value]):
    """What `Mirror.live` has, as values, by what follows *prefix* in their subjects.

    A message of which the decoder makes `None` is left out. As long as nothing changes, it is
    the very same mapping that is returned.
    """

    def __init__(self, mirror: Mirror, decode: Decoder[Value], prefix: str = "") -> None:
        self.mirror = mirror
        self._decode = decode
        self._cut = len(prefix)
        self._revision = -1
        self._decoded: dict[str, tuple[Message, Value | None]] = {}
        self._values: Mapping[str, Value] = {}

    def read(self) -> Mapping[str, Value]:
        """Return the current values."""
        if self._revision != self.mirror.revision:
            self._decoded = {
                subject: self._entry(subject, message)
                for subject, message in self.mirror.live.items()
            }
            self._values = {
                subject[self._cut :]: value
                for subject, (_, value) in self._decoded.items()
                if value is not None
            }
            self._revision = self.mirror.revision
        return self._values

    def _entry(self, subject: str, message: Message) -> tuple[Message, Value | None]:
        known = self._decoded.get(subject)
        if known is not None and known[0] == message:
            return known
        return message, self._decode(message)


def bucket_view(
    connection: Connection, bucket: str, decode: Decoder[Value], changed: Wake
) -> View[Value]:
    """Return a view of a whole KV bucket, by key."""
    prefix = f"$KV.{bucket}."
    return View(Mirror(connection, f"KV_{bucket}", f"{prefix}>", changed), decode, prefix)


class OptionalView(Generic[Value]):
    """A view of a store that older versions of kanade do not have; without it, nothing."""

    def __init__(self, connection: Connection, stream: str, view: View[Value]) -> None:
        self._connection = connection
        self._stream = stream
        self._view = view
        self._started = False

    async def refresh(self) -> None:
        """See `Mirror.refresh`; the store may have come since the last time."""
        if self._started:
            await self._view.mirror.refresh()
        elif await api.stream_exists(self._connection, self._stream):
            await self._view.mirror.start()
            self._started = True

    async def resync(self) -> None:
        """See `Mirror.resync`."""
        if self._started:
            await self._view.mirror.resync()

    async def stop(self) -> None:
        """See `Mirror.stop`."""
        await self._view.mirror.stop()

    def read(self) -> Mapping[str, Value]:
        """Return the current values, by key."""
        return self._view.read()


def optional_view(
    connection: Connection, bucket: str, decode: Decoder[Value], changed: Wake
) -> OptionalView[Value]:
    """Return a view of a KV bucket, by key, that need not be there."""
    return OptionalView(
        connection, f"KV_{bucket}", bucket_view(connection, bucket, decode, changed)
    )
