"""One message at a time, in order, until each is settled."""

import asyncio
from datetime import timedelta

import pytest

from reconciler.errors import KanadeRefused, KanadeUnavailable
from reconciler.jetstream import api, queue
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.queue import Queue, Turn
from tests.support.nats import NatsProcess
from tests.support.streams import connected, create_stream

SOON = timedelta(milliseconds=100)


def queue_of(connection: Connection) -> Queue:
    return Queue(connection, "NEWS", "news.>", "reader")


async def opened(connection: Connection) -> Queue:
    reader = queue_of(connection)
    await reader.open()
    return reader


@pytest.fixture
async def news(connection: Connection) -> Connection:
    await create_stream(connection, "NEWS", "news.>")
    return connection


async def publish(connection: Connection, *names: str) -> None:
    for name in names:
        await api.store(connection, "NEWS", f"news.{name}", name.encode())


async def taken(reader: Queue) -> Turn:
    async with asyncio.timeout(60):
        while (turn := await reader.next()) is None:
            pass
    return turn


async def is_waited_for(connection: Connection) -> None:
    while True:
        info = await api.consumer_info(connection, "NEWS", "reader")
        if info is not None and info.num_waiting:
            return


async def test_a_new_reader_begins_with_what_comes_and_an_old_one_goes_on(
    news: Connection,
) -> None:
    await publish(news, "history")
    earlier = await opened(news)
    await publish(news, "a", "b")
    first = await taken(earlier)
    await earlier.done(first)

    second = await taken(await opened(news))

    assert [(turn.data, turn.deliveries) for turn in (first, second)] == [(b"a", 1), (b"b", 1)]


async def test_nothing_overtakes_what_was_put_off(news: Connection) -> None:
    reader = await opened(news)
    await publish(news, "a", "b")

    await reader.put_off(await taken(reader), SOON)

    again = await taken(reader)
    assert (again.data, again.deliveries) == (b"a", 2)
    await reader.done(again)
    assert (await taken(reader)).data == b"b"


async def test_what_is_given_up_does_not_come_again(news: Connection) -> None:
    reader = await opened(news)
    await publish(news, "a", "b")

    await reader.give_up(await taken(reader))

    assert (await taken(reader)).data == b"b"


async def test_what_a_reader_took_to_its_grave_comes_again(
    news: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "SETTLE_WITHIN", SOON)
    reader = await opened(news)
    await publish(news, "a")
    assert (await taken(reader)).deliveries == 1

    assert (await taken(await opened(news))).deliveries == 2


async def test_silence_is_no_news(news: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_WAIT", SOON)
    reader = await opened(news)

    assert await reader.next() is None


async def test_a_name_that_is_gone_is_an_error_until_it_is_opened_again(
    news: Connection,
) -> None:
    reader = await opened(news)
    await api.delete_consumer(news, "NEWS", "reader")

    with pytest.raises((KanadeUnavailable, KanadeRefused)):
        await reader.next()

    await reader.open()
    await publish(news, "a")
    assert (await taken(reader)).data == b"a"


async def test_a_name_that_goes_while_somebody_waits_is_an_error(news: Connection) -> None:
    reader = await opened(news)
    waiting = asyncio.ensure_future(reader.next())
    await is_waited_for(news)

    await api.delete_consumer(news, "NEWS", "reader")

    with pytest.raises(KanadeUnavailable):
        await waiting


async def test_a_lost_connection_is_noticed_by_who_waits(own_server: NatsProcess) -> None:
    async with connected(own_server.url) as connection:
        await create_stream(connection, "NEWS", "news.>")
        reader = await opened(connection)
        waiting = asyncio.ensure_future(reader.next())
        await is_waited_for(connection)

        own_server.kill()

        with pytest.raises(KanadeUnavailable, match="connection was lost"):
            await waiting
