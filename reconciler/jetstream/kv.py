"""Writes to KV buckets (NATS ADR-8), each checked by the server against what we have read."""

import asyncio
import random
import re
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta

from reconciler.errors import KanadeRefused
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message, nanoseconds
from reconciler.jetstream.streams import make_stream
from reconciler.jetstream.wire_errors import BeingWritten

_MAX_KEY_BYTES = 512
_KEY = re.compile(r"[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*", re.ASCII)
_UNSAFE = re.compile(rb"[^-_a-zA-Z0-9]")
_ESCAPE = re.compile(rb"=([0-9A-F]{2})")
_EMPTY = "="
_DEDUPLICATION_WINDOW = timedelta(minutes=2)
_PAUSES = [timedelta(milliseconds=5 * 2**number) for number in range(8)]
"""While somebody else's write is on its way, or one of ours of which we have heard nothing."""

_FURTHEST_START = 1 << 40
"""Sequences stay exact in every reader of JSON for as long as anybody writes."""

Fence = tuple[str, int]
"""A subject of the same bucket, and the sequence at which its last message must still stand."""


class Bucket:
    """One KV bucket, to write to; `Mirror` reads it."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._in_turn = asyncio.Lock()
        self.name = name

    @property
    def stream(self) -> str:
        """The stream that holds it."""
        return f"KV_{self.name}"

    @property
    def prefix(self) -> str:
        """What a key's subject begins with; with `>` behind it, all keys."""
        return f"$KV.{self.name}."

    def subject(self, key: str) -> str:
        """Return where *key* is stored.

        Raises:
            KanadeRefused: NATS does not take such a key.
        """
        if len(key) > _MAX_KEY_BYTES or not _KEY.fullmatch(key):
            raise KanadeRefused(
                f"bucket {self.name}: {key[:80]!r} is no key; at most {_MAX_KEY_BYTES} of "
                "A-Z a-z 0-9 - _ = / are allowed, and dots between them"
            )
        return self.prefix + key

    async def get(self, key: str) -> Message | None:
        """Return the key's value as the bucket's leader has it, `None` when there is none."""
        found = await api.last_message(self._connection, self.stream, self.subject(key))
        return None if found is None or found.deleted else found

    async def put(
        self,
        key: str,
        value: bytes,
        *,
        expected: int | None = None,
        fence: Fence | None = None,
    ) -> int:
        """Write *value*, and return its sequence.

        *expected* is the sequence of the key's last message, its deletion included, 0 for
        none at all. A *fence* asks the same of another subject of this bucket; NATS can
        check one of the two.

        Raises:
            Conflict: it is not so; nothing was written.
            NoRoom: the bucket is full; nothing was written.
            KanadeUnavailable: no answer: it may have been written.
        """
        return await self._store(key, value, _expectation(expected, fence))

    async def delete(
        self, key: str, *, expected: int | None = None, fence: Fence | None = None
    ) -> int:
        """Put the marker of a deletion in place of the value; raises what `put` raises."""
        return await self._store(key, b"", {"KV-Operation": "DEL", **_expectation(expected, fence)})

    async def create(self, *, history: int = 1, description: str = "") -> None:
        """Make the bucket if it is not there, on three servers where there are as many.

        Each one counts from a place of its own, so that an expectation of a bucket that was
        deleted does not happen to hold in the one that has taken its name.

        Raises:
            KanadeRefused: there is no room or no permission for it.
        """
        config = {
            "name": self.stream,
            "description": description,
            "subjects": [f"{self.prefix}>"],
            "first_seq": random.randint(1, _FURTHEST_START),  # noqa: S311 (no secret, but a place)
            "max_msgs_per_subject": history,
            "storage": "file",
            "discard": "new",
            "deny_delete": True,
            "allow_rollup_hdrs": True,
            "allow_direct": True,
            "duplicate_window": nanoseconds(_DEDUPLICATION_WINDOW),
        }
        await make_stream(self._connection, config)

    async def _store(self, key: str, value: bytes, headers: Mapping[str, str]) -> int:
        subject = self.subject(key)
        in_turn = self._in_turn if headers and self._connection.clustered else nullcontext()
        async with in_turn:
            for pause in _PAUSES:
                try:
                    return await api.store(self._connection, self.stream, subject, value, headers)
                except BeingWritten:
                    await asyncio.sleep(pause.total_seconds())
            return await api.store(self._connection, self.stream, subject, value, headers)


def encode_key(part: str) -> str:
    """Return *part*, any text at all, as one token of a key; `decode_key` takes it back.

    Letters, digits, `-` and `_` stand for themselves, so that most names stay readable.
    """
    escaped = _UNSAFE.sub(lambda found: b"=%02X" % found[0][0], part.encode())
    return escaped.decode("ascii") or _EMPTY


def decode_key(token: str) -> str:
    """Return the text that `encode_key` has made *token* of.

    Raises:
        ValueError: it has not.
    """
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), token.encode())
    text = "" if token == _EMPTY else raw.decode()
    if encode_key(text) != token:
        raise ValueError(f"not an encoded part of a key: {token!r}")
    return text


def _expectation(expected: int | None, fence: Fence | None) -> Mapping[str, str]:
    if expected is not None and fence is not None:
        raise ValueError("a write can expect something of its own key or of a fence, not of both")
    if expected is not None:
        return {"Nats-Expected-Last-Subject-Sequence": str(expected)}
    if fence is not None:
        subject, sequence = fence
        return {
            "Nats-Expected-Last-Subject-Sequence": str(sequence),
            "Nats-Expected-Last-Subject-Sequence-Subject": subject,
        }
    return {}
