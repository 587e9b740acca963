"""Our own buckets, opened by a leader and by somebody who only looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from reconciler.cli.own_state import OwnState, open_own_state
from reconciler.errors import LeaseLost
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Suspension
from reconciler.state.names import REQUESTS_BUCKET
from reconciler.state.requests import RequestBook
from tests.support import builders
from tests.support.builders import NOON
from tests.support.clock import FakeClock
from tests.support.streams import connected

STREAMS = ("KV_reconciler_state", "KV_reconciler_requests", "RECONCILER_EVENTS")


@pytest.fixture
async def connection(nats_account: str) -> AsyncIterator[Connection]:
    async with connected(nats_account) as connection:
        yield connection


async def existing(connection: Connection) -> list[str]:
    return [name for name in STREAMS if await api.stream_exists(connection, name)]


async def suspend(connection: Connection) -> None:
    """Ask for something, as the command line does."""
    bucket = Bucket(connection, REQUESTS_BUCKET)
    book = RequestBook(bucket, Mirror(connection, bucket.stream, f"{bucket.prefix}>"))
    name = ReleaseName("tool")
    await book.suspend(Suspension(release=name, by="mika", reason="holiday", since=NOON))


async def test_a_leaders_own_writes_do_not_wake_it_and_peoples_words_do(
    connection: Connection,
) -> None:
    """Or every renewal of its lease would start a pass."""
    rung = asyncio.Event()
    async with open_own_state(connection, "one", FakeClock(), rung.set, create=True) as own:
        await own.lease.attempt()
        await own.ledger.record(builders.attempt(builders.release()))
        await own.lease.renew()
        await own.records.refresh()
        assert not rung.is_set()

        await suspend(connection)
        async with asyncio.timeout(60):
            await rung.wait()
        await own.records.refresh()
        assert own.records.requests().suspensions[ReleaseName("tool")].reason == "holiday"


async def test_who_only_looks_makes_nothing_and_sees_nothing(connection: Connection) -> None:
    async with _look(connection) as own:
        await own.records.refresh()

        assert dict(own.records.attempts()) == {}
        assert own.board.read().releases == {}
    assert await existing(connection) == []


async def test_who_only_looks_sees_what_a_leader_has_written_and_cannot_write(
    connection: Connection,
) -> None:
    attempt = builders.attempt(builders.release())
    async with (
        open_own_state(connection, "one", FakeClock(), lambda: None, create=True) as leader,
        _look(connection) as own,
    ):
        await leader.lease.attempt()
        await leader.ledger.record(attempt)
        await own.records.refresh()

        assert list(own.records.attempts().values()) == [attempt]
        with pytest.raises(LeaseLost):
            await own.ledger.record(attempt)
    assert await existing(connection) == list(STREAMS)


def _look(connection: Connection) -> AbstractAsyncContextManager[OwnState]:
    return open_own_state(connection, "looker", FakeClock(), lambda: None, create=False)
