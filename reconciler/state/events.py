"""Transitions, published once each on our own stream."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from reconciler.errors import KanadeRefused
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import encode_key
from reconciler.jetstream.message import nanoseconds
from reconciler.jetstream.streams import make_stream
from reconciler.model.status import Event
from reconciler.state.codec import encode
from reconciler.state.names import EVENTS_STREAM, EVENTS_SUBJECT

_MAX_AGE = timedelta(days=30)
_MAX_BYTES = 64 * 1024 * 1024
_DEDUPLICATION_WINDOW = timedelta(minutes=30)
"""As long as a controller may need to come back after a crash and publish the same again."""


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
            "max_age": nanoseconds(_MAX_AGE),
            "max_bytes": _MAX_BYTES,
            "storage": "file",
            "discard": "old",
            "duplicate_window": nanoseconds(_DEDUPLICATION_WINDOW),
        }
        await make_stream(self._connection, config)

    async def publish(self, events: Sequence[Event]) -> None:
        """Store *events*; one that was stored already, before a crash, is not stored again.

        A stream that somebody has deleted is made again: nothing is known there that is not new.
        """
        for event in events:
            data = encode(event)
            headers = {"Nats-Msg-Id": event.id or hashlib.sha256(data).hexdigest()}
            subject = f"{EVENTS_SUBJECT}.{encode_key(event.release or '-')}.{event.kind}"
            if event.host is not None:
                subject += f".{encode_key(event.host)}"
            try:
                await api.store(self._connection, EVENTS_STREAM, subject, data, headers)
            except KanadeRefused:
                if await api.stream_exists(self._connection, EVENTS_STREAM):
                    raise
                await self.create()
                await api.store(self._connection, EVENTS_STREAM, subject, data, headers)
