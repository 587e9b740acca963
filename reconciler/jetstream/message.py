"""A message of a stream, and where in it the message stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from nats.aio.msg import Msg

_NO_HEADERS: Mapping[str, str] = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DELETED = frozenset({"DEL", "PURGE"})
_FIELDS = 7
"""Of an acknowledgement subject, counted from its end or, with a domain, before its token."""
_FIELDS_WITH_DOMAIN = 12


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `sequence` and `timestamp` are the stream's own."""

    subject: str
    data: bytes = field(repr=False)
    headers: Mapping[str, str]
    sequence: int
    timestamp: datetime

    @property
    def deleted(self) -> bool:
        """True for the marker that a KV bucket keeps in place of a deleted key (ADR-8)."""
        return self.headers.get("KV-Operation") in _DELETED


class Delivery(NamedTuple):
    """What a consumer says of a message, in the subject that it is to be acknowledged on."""

    stream_sequence: int
    consumer_sequence: int
    timestamp: datetime
    deliveries: int = 1
    """How often it has been sent, this time included."""

    @classmethod
    def parse(cls, reply: str) -> Self | None:
        """Read `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<times>.<sequences>...`."""
        tokens = reply.split(".")
        if len(tokens) < _FIELDS + 2 or tokens[:2] != ["$JS", "ACK"]:
            return None
        if len(tokens) >= _FIELDS_WITH_DOMAIN:
            tokens = tokens[2:]
        try:
            times, stream_sequence, consumer_sequence, nanoseconds = map(int, tokens[4:8])
        except ValueError:
            return None
        return cls(stream_sequence, consumer_sequence, from_nanoseconds(nanoseconds), times)


def nanoseconds(span: timedelta) -> int:
    """Return *span* as NATS wants it."""
    return int(span.total_seconds() * 1_000_000_000)


def from_nanoseconds(nanoseconds: int) -> datetime:
    """Return a point of time that is counted in ns since 1970; ours has microseconds."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def received(message: Msg, delivery: Delivery) -> Message:
    """Return what a consumer has delivered, without its client."""
    return Message(
        message.subject,
        message.data,
        message.headers or _NO_HEADERS,
        delivery.stream_sequence,
        delivery.timestamp,
    )


def status_of(message: Msg) -> str | None:
    """Return the status of a message from the server itself, such as `409 ...`."""
    if message.data or not message.headers or "Status" not in message.headers:
        return None
    return f"{message.headers['Status']} {message.headers.get('Description', '')}".strip()
