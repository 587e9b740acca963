import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from reconciler.errors import KanadeRefused
from reconciler.jetstream import api, feed, pull
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.feed import Feed, FeedMessage
from tests.support.nats import NatsProcess, eventually
from tests.support.streams import connected, consumers, create_stream


class Reader:
    """A feed of `results.>`, and the bell that it rings."""

    def __init__(self, connection: Connection) -> None:
        self.rung = asyncio.Event()
        self.feed = Feed(connection, "RESULTS", "results.>", "reader", self.rung.set)

    async def next(self, count: int = 1) -> list[FeedMessage]:
        """Take until *count* messages have come."""
        taken: list[FeedMessage] = []
        async with asyncio.timeout(60):
            while True:
                self.rung.clear()
                taken += await self.feed.take()
                if len(taken) >= count:
                    return taken
                await self.rung.wait()


@asynccontextmanager
async def reading(connection: Connection) -> AsyncIterator[Reader]:
    reader = Reader(connection)
    await reader.feed.start()
    yield reader
    await reader.feed.stop()


@pytest.fixture
async def results(connection: Connection) -> Connection:
    await create_stream(connection, "RESULTS", "results.>")
    return connection


async def publish(connection: Connection, *names: str) -> None:
    for name in names:
        await api.store(connection, "RESULTS", f"results.{name}", name.encode())


async def settled(connection: Connection, sequence: int) -> None:
    """Wait until all up to *sequence* is acknowledged: the server does that in its own time."""
    async with asyncio.timeout(60):
        while (await _floor(connection)) < sequence:
            pass


async def _floor(connection: Connection) -> int:
    found = await api.consumer_info(connection, "RESULTS", "reader")
    return 0 if found is None else found.ack_floor.stream_seq


async def test_what_was_there_comes_and_then_what_is_new(results: Connection) -> None:
    await publish(results, "a", "b")
    async with reading(results) as reader:
        old = await reader.next(2)
        assert [(m.subject, m.data, m.sequence) for m in old] == [
            ("results.a", b"a", 1),
            ("results.b", b"b", 2),
        ]
        assert await reader.feed.take() == []

        await publish(results, "c")
        new = await reader.next()
        assert [m.data for m in new] == [b"c"]
        assert new[0].timestamp > old[1].timestamp


async def test_what_was_acknowledged_does_not_come_again_and_the_rest_does(
    results: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_ACK_WITHIN", feed._ACK_WITHIN / 60)
    await publish(results, "a", "b")
    async with reading(results) as reader:
        first, _second = await reader.next(2)
        await first.ack()
        await settled(results, 1)

        # The first may have come again before it was acknowledged, but not twice.
        while [m.data for m in await reader.next()][-1] != b"b":
            pass
        assert [m.data for m in await reader.next()] == [b"b"]


async def test_another_process_goes_on_where_the_last_one_stood(
    results: Connection, nats_account: str
) -> None:
    await publish(results, "a", "b")
    async with reading(results) as reader:
        for message in await reader.next(2):
            await message.ack()
        await settled(results, 2)
    await publish(results, "c")

    async with connected(nats_account) as other, reading(other) as reader:
        assert [m.data for m in await reader.next()] == [b"c"]


async def test_more_than_there_is_room_for_comes_as_it_is_taken(
    results: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_ROOM", 10)
    names = [f"n{number}" for number in range(55)]
    await publish(results, *names)
    async with reading(results) as reader:
        taken = await reader.next(10)
        assert len(taken) == 10
        while len(taken) < 55:
            taken += await reader.next()
            for message in taken:
                await message.ack()

        assert [m.data.decode() for m in taken] == names


async def test_a_message_that_came_twice_before_it_was_taken_is_given_once(
    results: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_ACK_WITHIN", feed._ACK_WITHIN / 200)
    await publish(results, "a")
    async with reading(results) as reader:
        for _ in range(2):
            async with asyncio.timeout(60):
                await reader.rung.wait()
            reader.rung.clear()
        taken = await reader.feed.take()

        assert [m.data for m in taken] == [b"a"]
        await taken[0].ack()


async def test_a_feed_survives_a_restart_of_the_server(own_server: NatsProcess) -> None:
    async with connected(own_server.url) as connection:
        await create_stream(connection, "RESULTS", "results.>")
        await publish(connection, "a")
        async with reading(connection) as reader:
            await reader.next()
            own_server.kill()
            own_server.start()
            async with connected(own_server.url) as other:
                await publish(other, "b")

            # What nobody has acknowledged may come again.
            while b"b" not in [m.data for m in await reader.next()]:
                pass
            await publish(connection, "c")
            while b"c" not in [m.data for m in await reader.next()]:
                pass


async def test_a_deleted_consumer_is_made_anew(results: Connection) -> None:
    await publish(results, "a")
    async with reading(results) as reader:
        await (await reader.next())[0].ack()
        await results.rtt()
        await api.delete_consumer(results, "RESULTS", "reader")

        # It has forgotten what was acknowledged: better twice than never.
        assert [m.data for m in await reader.next()] == [b"a"]


async def test_a_consumer_that_asks_for_nothing_any_more_is_taken_up_again(
    results: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "_SILENT_AFTER", timedelta(seconds=0.5))
    async with reading(results) as reader:
        subscription = reader.feed._subscription
        assert subscription is not None
        await results.unsubscribe(subscription)
        await results.rtt()
        await publish(results, "a")

        assert [m.data for m in await reader.next()] == [b"a"]


async def test_a_consumer_with_nothing_to_send_says_so_and_is_left_alone(
    results: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "_HEARTBEAT", timedelta(seconds=0.1))
    monkeypatch.setattr(pull, "_SILENT_AFTER", timedelta(minutes=1))
    async with reading(results) as reader:
        alarms: set[object] = set()

        def heard() -> bool:
            alarms.add(reader.feed._pull._alarm)
            return len(alarms) > 3

        await eventually(heard)

        assert not reader.rung.is_set()


async def test_a_removed_feed_leaves_no_consumer(results: Connection) -> None:
    reader = Reader(results)
    await reader.feed.start()
    assert await consumers(results, "RESULTS") == ["reader"]
    await reader.feed.remove()

    assert await consumers(results, "RESULTS") == []


async def test_a_stream_that_is_not_there_is_named(connection: Connection) -> None:
    with pytest.raises(KanadeRefused, match=r"stream RESULTS on .*not found"):
        await Feed(connection, "RESULTS", "results.>", "reader").start()


async def test_the_last_reader_to_begin_is_sent_everything_and_the_earlier_one_nothing(
    results: Connection, nats_account: str
) -> None:
    """A leader that was stopped must not keep what its follower waits for."""
    await publish(results, "a", "b")
    async with reading(results) as stopped, connected(nats_account) as other:
        first, _second = await stopped.next(2)
        await first.ack()
        await settled(results, 1)
        async with reading(other) as reader:
            assert [m.data for m in await reader.next()] == [b"b"]
            await publish(results, "c", "d", "e")
            assert [m.data for m in await reader.next(3)] == [b"c", b"d", b"e"]
