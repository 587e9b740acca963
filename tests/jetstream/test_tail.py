import asyncio

import pytest

from reconciler.jetstream import tail as tail_module
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.message import Message
from reconciler.jetstream.tail import Tail


async def test_a_reading_may_take_long_as_long_as_something_comes(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large bucket on a slow machine is no silent server."""
    bucket = Bucket(connection, "large")
    await bucket.create()
    for number in range(400):
        await bucket.put(f"k{number}", b"")
    monkeypatch.setattr(tail_module, "_SILENT_SECONDS", 20)
    monkeypatch.setattr(tail_module, "_ASK", 2)
    loop, taken = asyncio.get_running_loop(), list[str]()
    time = loop.time

    def take(message: Message) -> None:
        taken.append(message.subject)  # and that takes so long that all take twice what one may

    monkeypatch.setattr(loop, "time", lambda: time() + 0.1 * len(taken))

    tail = Tail(connection, bucket.stream, f"{bucket.prefix}>", take)
    await tail.open()

    assert await tail.prove()

    assert len(taken) == 400
    await tail.close()
