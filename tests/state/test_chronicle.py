"""The newest events, in order and each once, whatever becomes of the connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from reconciler.cli.clock import SystemClock
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.status import Event
from reconciler.state import chronicle
from reconciler.state.chronicle import Chronicle
from reconciler.state.events import EventLog
from reconciler.state.names import EVENTS_STREAM, EVENTS_SUBJECT
from tests.support.builders import NOON
from tests.support.nats import NatsProcess
from tests.support.streams import connected

TOOL = ReleaseName("tool")


def event(number: int, host: str | None = None) -> Event:
    return Event(
        at=NOON + timedelta(seconds=number),
        kind="HostRunning" if host else "Progressing",
        message=f"number {number}",
        release=TOOL,
        host=HostName(host) if host else None,
    )


@asynccontextmanager
async def followed(connection: Connection) -> AsyncIterator[tuple[Chronicle, asyncio.Event]]:
    """Give a chronicle that is followed, and the event that is set at its news."""
    news = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        made = Chronicle(connection, SystemClock(), news.set)
        task = group.create_task(made.run())
        yield made, news
        task.cancel()


async def until(made: Chronicle, news: asyncio.Event, newest: int) -> list[str]:
    """Wait for the event of that number, and return what all of them say."""
    async with asyncio.timeout(60):
        while made.newest < newest:
            await news.wait()
            news.clear()
    return [entry.event.message for entry in made.entries()]


async def test_what_was_told_is_there_and_what_is_told_comes(nats_account: str) -> None:
    async with connected(nats_account) as connection:
        log = EventLog(connection)
        await log.create()
        await log.publish([event(1), event(2, "pc-01")])
        async with followed(connection) as (made, news):
            assert await until(made, news, 2) == ["number 1", "number 2"]
            await log.publish([event(3), event(3)])
            assert await until(made, news, 3) == ["number 1", "number 2", "number 3"]
            assert [entry.sequence for entry in made.entries(after=2)] == [3]


async def test_hosts_do_not_push_out_what_became_of_releases(
    nats_account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chronicle, "_KEPT", 2)
    async with connected(nats_account) as connection:
        log = EventLog(connection)
        await log.create()
        async with followed(connection) as (made, news):
            await log.publish([event(1), *(event(number, "pc-01") for number in range(2, 6))])
            assert await until(made, news, 5) == ["number 1", "number 4", "number 5"]


async def test_an_event_that_cannot_be_read_is_left_out(nats_account: str) -> None:
    async with connected(nats_account) as connection:
        log = EventLog(connection)
        await log.create()
        await api.store(connection, EVENTS_STREAM, f"{EVENTS_SUBJECT}.x.Y", b"not ours")
        await log.publish([event(2)])
        async with followed(connection) as (made, news):
            assert await until(made, news, 2) == ["number 2"]


async def test_what_was_told_while_nats_was_away_is_there_afterwards(
    own_server: NatsProcess,
) -> None:
    async with connected(own_server.url) as connection:
        log = EventLog(connection)
        await log.create()
        async with followed(connection) as (made, news):
            await log.publish([event(1)])
            await until(made, news, 1)
            own_server.kill()
            own_server.start()
            async with connected(own_server.url) as other:
                await EventLog(other).publish([event(2), event(3)])
            assert await until(made, news, 3) == ["number 1", "number 2", "number 3"]


async def test_a_stream_that_was_made_anew_is_read_from_its_beginning(
    nats_account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chronicle, "_TRY_AGAIN", timedelta(seconds=0.05))
    async with connected(nats_account) as connection:
        log = EventLog(connection)
        await log.create()
        await log.publish([event(1), event(2), event(3)])
        async with followed(connection) as (made, news):
            await until(made, news, 3)
            await connection.request(f"$JS.API.STREAM.DELETE.{EVENTS_STREAM}", b"", what="it")
            await log.create()
            await log.publish([event(4)])
            async with asyncio.timeout(60):
                while [entry.event.message for entry in made.entries()] != ["number 4"]:
                    await news.wait()
                    news.clear()
