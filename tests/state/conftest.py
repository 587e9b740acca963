"""Our own buckets on a real server, for one or more controllers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.jetstream.options import NatsOptions
from reconciler.state.board import Board, KvBoard
from reconciler.state.events import EventLog
from reconciler.state.lease import KvLease
from reconciler.state.ledger import Ledger
from reconciler.state.names import REQUESTS_BUCKET, STATE_BUCKET
from reconciler.state.requests import RequestBook
from tests.support.clock import FakeClock


@dataclass(frozen=True, kw_only=True)
class Own:
    """One controller's hold on its own state."""

    connection: Connection
    bucket: Bucket
    mirror: Mirror
    lease: KvLease
    ledger: Ledger
    book: RequestBook
    board: KvBoard
    clock: FakeClock


Open = Callable[[str], Awaitable[Own]]


@pytest.fixture
async def open_state(nats_account: str) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_one(instance: str) -> Own:
            connection = Connection(NatsOptions(servers=(nats_account,)))
            await connection.open()
            stack.push_async_callback(connection.close)
            bucket, requests = Bucket(connection, STATE_BUCKET), Bucket(connection, REQUESTS_BUCKET)
            await bucket.create()
            await requests.create()
            events = EventLog(connection)
            await events.create()
            mirror = await _started(stack, connection, bucket)
            asked = await _started(stack, connection, requests)
            clock = FakeClock()
            lease = KvLease(bucket, mirror, instance, clock, bucket.create)
            ledger = Ledger(bucket, mirror, lease)
            return Own(
                connection=connection,
                bucket=bucket,
                mirror=mirror,
                lease=lease,
                ledger=ledger,
                book=RequestBook(requests, asked),
                board=KvBoard(Board(mirror), ledger, events, lease),
                clock=clock,
            )

        yield open_one


async def _started(stack: AsyncExitStack, connection: Connection, bucket: Bucket) -> Mirror:
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>", lambda: None)
    await mirror.start()
    stack.push_async_callback(mirror.stop)
    return mirror
