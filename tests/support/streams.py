"""Streams as kanade makes them, and what a server has in them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection, connect
from reconciler.jetstream.options import NatsOptions


@asynccontextmanager
async def connected(url: str, inbox_prefix: str = "_INBOX") -> AsyncIterator[Connection]:
    """Give a connection for the length of a test."""
    options = NatsOptions(servers=(url,), inbox_prefix=inbox_prefix)
    async with await connect(options) as connection:
        yield connection


async def create_object_store(connection: Connection, bucket: str, max_bytes: int = -1) -> None:
    """Make an object store with the configuration that kanade's own have."""
    config = {
        "name": f"OBJ_{bucket}",
        "subjects": [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        "max_bytes": max_bytes,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
    }
    assert await api.create_stream(connection, config) is None


async def create_stream(connection: Connection, name: str, subjects: str, last: int = -1) -> None:
    """Make a stream of *subjects* that keeps the *last* messages of each."""
    config = {"name": name, "subjects": [subjects], "max_msgs_per_subject": last}
    assert await api.create_stream(connection, config) is None


async def subjects(connection: Connection, stream: str, like: str = ">") -> dict[str, int]:
    """Return how many messages each subject of *stream* has."""
    info = await api.stream_info(connection, stream, subjects=like)
    return info.state.subjects or {}


async def consumers(connection: Connection, stream: str) -> list[str]:
    """Return the names of the consumers that *stream* has."""
    verb = f"CONSUMER.NAMES.{stream}"
    answer = await api.call(connection, verb, {}, dict[str, object], stream)
    names = answer["consumers"]
    assert isinstance(names, list)
    return names


async def without_consumers(connection: Connection, stream: str) -> None:
    """Wait until *stream* has none: one that is not needed any more is not waited for."""
    async with asyncio.timeout(60):
        while await consumers(connection, stream):  # noqa: ASYNC110 (there is no event to await)
            await asyncio.sleep(0.01)
