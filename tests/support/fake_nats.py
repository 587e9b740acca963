"""The part of a nats-server that our own state stands on, in memory.

Streams, what a publish may expect of a subject, and ephemeral consumers of the last message of
each; `tests/contract_ports/test_nats.py` holds it to the real server. What speaks to it is
`fake_connection.FakeConnection`, so that everything of ours above the wire is the real thing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.jetstream.message import Message
from reconciler.jetstream.wire_errors import (
    CONSUMER_NOT_FOUND,
    MESSAGE_NOT_FOUND,
    STREAM_NAME_IN_USE,
    STREAM_NOT_FOUND,
)
from tests.support.builders import NOON

_WRONG_LAST_SEQUENCE = 10071
_DEFAULT_HISTORY = 1 << 30


class ApiRefusal(Exception):
    """The server says no, by its code."""

    def __init__(self, status: int, code: int, description: str) -> None:
        super().__init__(description)
        self.answer = {"code": status, "err_code": code, "description": description}


@dataclass(kw_only=True, eq=False)
class Consumer:
    """What is on its way to one client; *give* is there once it has asked for messages."""

    name: str
    filter_subject: str
    owner: object
    """The connection that has made it, and goes with it."""
    pending: list[Message] = field(default_factory=list)
    give: Callable[[Message, str], None] | None = None
    sequence: int = 0
    stream_sequence: int = 0

    def takes(self, message: Message) -> bool:
        """Tell whether *message* is for it."""
        return matches(self.filter_subject, message.subject)

    def flow(self, stream: str) -> None:
        """Send what is pending, as soon as somebody has asked for it."""
        if self.give is None:
            return
        pending, self.pending = self.pending, []
        for message in pending:
            self.sequence += 1
            self.stream_sequence = message.sequence
            at = int(message.timestamp.timestamp() * 1_000_000_000)
            place = f"1.{message.sequence}.{self.sequence}.{at}.0"
            self.give(message, f"$JS.ACK.{stream}.{self.name}.{place}")


@dataclass(kw_only=True, eq=False)
class Stream:
    """Messages in their order, as many of each subject as the configuration says."""

    config: Mapping[str, object]
    messages: dict[int, Message] = field(default_factory=dict)
    of: dict[str, list[int]] = field(default_factory=dict)
    """Where the messages of each subject stand."""
    ids: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    sequence: int = 0

    def __post_init__(self) -> None:
        self.sequence = max(int(str(self.config.get("first_seq", 1))) - 1, 0)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.config["name"])

    def holds(self, subject: str) -> bool:
        """Tell whether what is published on *subject* is kept here."""
        subjects = self.config["subjects"]
        assert isinstance(subjects, list)
        return any(matches(str(one), subject) for one in subjects)

    def newest(self, filter_subject: str) -> Message | None:
        """Return the last message on what *filter_subject* matches."""
        found = (one for one in reversed(self.messages.values()))
        return next((one for one in found if matches(filter_subject, one.subject)), None)

    def last_of_each(self, filter_subject: str) -> list[Message]:
        """Return the last message of each subject, the oldest first."""
        places = (of[-1] for subject, of in self.of.items() if matches(filter_subject, subject))
        return [self.messages[place] for place in sorted(places)]

    def store(self, subject: str, data: bytes, headers: Mapping[str, str], at: datetime) -> int:
        """Keep a message where all that it expects is so; return its sequence."""
        name = headers.get("Nats-Msg-Id")
        if name is not None and name in self.ids and at - self.ids[name][1] < self._window:
            return self.ids[name][0]
        self._expect(subject, headers)
        self.sequence += 1
        if name is not None:
            self.ids[name] = self.sequence, at
        message = Message(subject, data, dict(headers), self.sequence, at)
        self.messages[self.sequence] = message
        places = self.of.setdefault(subject, [])
        places.append(self.sequence)
        kept = int(str(self.config.get("max_msgs_per_subject", _DEFAULT_HISTORY)))
        if len(places) > kept > 0:
            del self.messages[places.pop(0)]
        for consumer in list(self.consumers.values()):
            if consumer.takes(message):
                consumer.pending.append(message)
                consumer.flow(self.name)
        return self.sequence

    @property
    def _window(self) -> timedelta:
        return timedelta(microseconds=int(str(self.config.get("duplicate_window", 0))) / 1000)

    def _expect(self, subject: str, headers: Mapping[str, str]) -> None:
        expected = headers.get("Nats-Expected-Last-Subject-Sequence")
        if expected is None:
            return
        of = headers.get("Nats-Expected-Last-Subject-Sequence-Subject", subject)
        found = self.of[of][-1] if of in self.of else 0
        if found != int(expected):
            raise ApiRefusal(400, _WRONG_LAST_SEQUENCE, f"wrong last sequence: {found}")


@dataclass(kw_only=True, eq=False)
class FakeNats:
    """One account of one server; it outlives every controller."""

    now: Callable[[], datetime] = lambda: NOON
    streams: dict[str, Stream] = field(default_factory=dict)
    stored: list[Callable[[str, bytes], None]] = field(default_factory=list)
    """Hears of everything that is stored, by its subject and data; empty for a deletion."""
    clients: list[Callable[[], None]] = field(default_factory=list)
    """Hears when the connection is lost, and when it is back."""

    def restart(self) -> None:
        """Go down and come up again: all consumers of ours are gone, what is stored stays."""
        for stream in self.streams.values():
            stream.consumers.clear()
        for tell in list(self.clients):
            tell()

    def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int | None:
        """Store a message, and return its sequence; `None` where no stream is there for it.

        Raises:
            ApiRefusal: what it expects is not so.
        """
        stream = self.streams.get(headers.get("Nats-Expected-Stream", ""))
        if stream is None or not stream.holds(subject):
            return None
        before = stream.sequence
        sequence = stream.store(subject, data, headers, self.now())
        if sequence > before:
            for hear in self.stored:
                hear(subject, data)
        return sequence

    def make(self, config: Mapping[str, object]) -> dict[str, object]:
        """Make a stream, or find the one of that very configuration."""
        name = str(config["name"])
        found = self.streams.setdefault(name, Stream(config=config))
        if found.config != config:
            raise ApiRefusal(400, STREAM_NAME_IN_USE, "stream name already in use")
        return self.info(name)

    def info(self, name: str) -> dict[str, object]:
        """Return how a stream is."""
        stream = self.stream(name)
        state = {
            "messages": len(stream.messages),
            "bytes": sum(len(message.data) for message in stream.messages.values()),
            "last_seq": stream.sequence,
        }
        now = self.now().astimezone(UTC).isoformat()
        return {"config": stream.config, "state": state, "created": now, "ts": now}

    def stream(self, name: str) -> Stream:
        """Return the stream of that name."""
        if name not in self.streams:
            raise ApiRefusal(404, STREAM_NOT_FOUND, "stream not found")
        return self.streams[name]

    def newest(self, name: str, filter_subject: str) -> Message:
        """Return the last message on what *filter_subject* matches."""
        found = self.stream(name).newest(filter_subject)
        if found is None:
            raise ApiRefusal(404, MESSAGE_NOT_FOUND, "no message found")
        return found

    def consumer(self, name: str, consumer: str) -> Consumer:
        """Return a stream's consumer."""
        found = self.stream(name).consumers.get(consumer)
        if found is None:
            raise ApiRefusal(404, CONSUMER_NOT_FOUND, "consumer not found")
        return found

    def leave(self, owner: object) -> None:
        """Forget the consumers of a connection that is gone."""
        for stream in self.streams.values():
            for name in [name for name, one in stream.consumers.items() if one.owner is owner]:
                del stream.consumers[name]

    def consume(self, name: str, config: Mapping[str, object], owner: object) -> Consumer:
        """Make a consumer that begins with the last message of each subject."""
        assert config["deliver_policy"] == "last_per_subject", "nothing else is asked for here"
        stream, filter_subject = self.stream(name), str(config["filter_subject"])
        consumer = Consumer(
            name=str(config["name"]),
            filter_subject=filter_subject,
            owner=owner,
            pending=stream.last_of_each(filter_subject),
        )
        stream.consumers[consumer.name] = consumer
        return consumer

    def values(self, bucket: str, prefix: str) -> Iterator[Message]:
        """Yield what a bucket holds below *prefix*, in the order of its keys."""
        stream = self.streams.get(f"KV_{bucket}")
        below = f"$KV.{bucket}.{prefix}"
        for subject in sorted(stream.of) if stream is not None else ():
            assert stream is not None
            message = stream.messages[stream.of[subject][-1]]
            if subject.startswith(below) and not message.deleted:
                yield message


def matches(pattern: str, subject: str) -> bool:
    """Tell whether *subject* is one of *pattern*'s; only a last `>` stands for something."""
    return subject.startswith(pattern[:-1]) if pattern.endswith(">") else subject == pattern
