"""The part of a bucket below one prefix, each entry decoded once for each time it is written."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import structlog

from reconciler.jetstream.mirror import Mirror
from reconciler.state.codec import decode

K = TypeVar("K")
V = TypeVar("V")

log = structlog.get_logger()


class Table(Generic[K, V]):
    """A reading of records of one kind, by a key that each record tells itself."""

    def __init__(
        self, mirror: Mirror, bucket: str, prefix: str, kind: type[V], key_of: Callable[[V], K]
    ) -> None:
        self._mirror = mirror
        self._prefix = f"$KV.{bucket}.{prefix}."
        self._kind = kind
        self._key_of = key_of
        self._decoded: dict[str, tuple[int, V | None]] = {}

    def read(self) -> Mapping[K, V]:
        """Return the records that are there now; one that cannot be read is as if it were not.

        It is told once, and the next write replaces it: everything of ours can be found anew.
        """
        live = self._mirror.live
        self._decoded = {
            subject: self._entry(subject, message.sequence, message.data)
            for subject, message in live.items()
            if subject.startswith(self._prefix)
        }
        values = (value for _, value in self._decoded.values() if value is not None)
        return {self._key_of(value): value for value in values}

    def _entry(self, subject: str, sequence: int, data: bytes) -> tuple[int, V | None]:
        known = self._decoded.get(subject)
        if known is not None and known[0] == sequence:
            return known
        try:
            return sequence, decode(data, self._kind)
        except ValueError as error:
            log.warning("record unreadable", subject=subject, error=str(error))
            return sequence, None
