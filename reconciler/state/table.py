"""The part of a bucket below one prefix; what a reading costs grows with what has changed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

import structlog

from reconciler.jetstream.message import Message
from reconciler.jetstream.mirror import Mirror
from reconciler.state.codec import decode

K = TypeVar("K")
V = TypeVar("V")

log = structlog.get_logger()


class Table(Generic[K, V]):
    """A reading of records of one kind, by a key that each record holds itself."""

    def __init__(
        self, mirror: Mirror, bucket: str, prefix: str, kind: type[V], key_of: Callable[[V], K]
    ) -> None:
        self._mirror = mirror
        self._prefix = f"$KV.{bucket}.{prefix}."
        self._kind = kind
        self._key_of = key_of
        self._decoded: dict[str, tuple[int, V | None]] = {}
        self._values: Mapping[K, V] = {}
        self._unread: set[str] = set()
        self._stale: set[str] | None = None
        """The subjects that have changed since the last reading; `None` when any may have."""
        mirror.follow(self._changed)

    def read(self) -> Mapping[K, V]:
        """Return the records that exist now; one that cannot be read is as if it were not.

        It is logged once, and the next write replaces it: everything of ours can be found again,
        and for what can not there is `unreadable`.
        What was returned stays as it is.
        """
        if self._stale is None:
            self._read_all(self._mirror.live)
        elif self._stale:
            self._read_again(self._stale, self._mirror.live)
        self._stale = set()
        return self._values

    def unreadable(self) -> Mapping[str, Message]:
        """Return the records that exist and cannot be read, by their key below the prefix.

        For those few whose absence would let something go on that was stopped.
        """
        self.read()
        return {
            subject.removeprefix(self._prefix): self._mirror.live[subject]
            for subject in self._unread
        }

    def _changed(self, subject: str | None) -> None:
        if subject is None:
            self._stale = None
        elif self._stale is not None and subject.startswith(self._prefix):
            self._stale.add(subject)

    def _read_all(self, live: Mapping[str, Message]) -> None:
        self._decoded = {
            subject: self._entry(message)
            for subject, message in live.items()
            if subject.startswith(self._prefix)
        }
        self._unread = {subject for subject, (_, value) in self._decoded.items() if value is None}
        values = (value for _, value in self._decoded.values() if value is not None)
        self._values = {self._key_of(value): value for value in values}

    def _read_again(self, subjects: Iterable[str], live: Mapping[str, Message]) -> None:
        values = dict(self._values)
        for subject in subjects:
            _, old = self._decoded.pop(subject, (0, None))
            if old is not None:
                values.pop(self._key_of(old), None)
            self._unread.discard(subject)
            if subject in live:
                self._decoded[subject] = _, new = self._entry(live[subject])
                if new is None:
                    self._unread.add(subject)
                else:
                    values[self._key_of(new)] = new
        self._values = values

    def _entry(self, message: Message) -> tuple[int, V | None]:
        known = self._decoded.get(message.subject)
        if known is not None and known[0] == message.sequence:
            return known
        try:
            return message.sequence, decode(message.data, self._kind)
        except ValueError as error:
            log.warning("record unreadable", subject=message.subject, error=str(error))
            return message.sequence, None
