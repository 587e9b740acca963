"""Transitions, published once each on our own stream."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import encode_key
from reconciler.jetstream.wire_errors import STREAM_NAME_IN_USE, refusal
from reconciler.model.status import Event
from reconciler.state.codec import encode
from reconciler.state.names import EVENTS_STREAM, EVENTS_SUBJECT

_MAX_AGE = timedelta(days=30)
_MAX_BYTES = 64 * 1024 * 1024
_DEDUPLICATION_WINDOW = timedelta(minutes=2)


class EventLog:
    """The stream of our events; the oldest go first when it is full."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self) -> None:
        """Make the stream if it is not there.

        Raises:
            KanadeRefused: there is no room or no permission for it.
        """
        config = {
            "name": EVENTS_STREAM,
            "description": "What kanade-reconciler has seen change, one message a transition",
            "subjects": [f"{EVENTS_SUBJECT}.>"],
            "max_age": _nanoseconds(_MAX_AGE),
            "max_bytes": _MAX_BYTES,
            "num_replicas": 3 if self._connection.clustered else 1,
            "storage": "file",
            "discard": "old",
            "duplicate_window": _nanoseconds(_DEDUPLICATION_WINDOW),
        }
        error = await api.create_stream(self._connection, config)
        if error is not None and error.err_code != STREAM_NAME_IN_USE:
            raise refusal(error, self._connection.at(EVENTS_STREAM))

    async def publish(self, events: Sequence[Event]) -> None:
        """Store *events*; one that was stored already, before a crash, is not stored again."""
        for event in events:
            data = encode(event)
            headers = {"Nats-Msg-Id": hashlib.sha256(data).hexdigest()}
            subject = f"{EVENTS_SUBJECT}.{encode_key(event.release or '-')}.{event.kind}"
            await api.store(self._connection, EVENTS_STREAM, subject, data, headers)


def _nanoseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1_000_000_000)
