"""Our own buckets, opened: for a leader, who makes them, or for somebody who only reads."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.ports import Clock, Wake
from reconciler.state.board import Board, KvBoard
from reconciler.state.events import EventLog
from reconciler.state.lease import KvLease
from reconciler.state.ledger import Ledger
from reconciler.state.names import REQUESTS_BUCKET, STATE_BUCKET
from reconciler.state.records import StateRecords
from reconciler.state.requests import RequestBook


@dataclass(frozen=True, kw_only=True)
class OwnState:
    """Everything that is kept on NATS for ourselves."""

    records: StateRecords
    ledger: Ledger
    lease: KvLease
    board: KvBoard
    book: RequestBook


@asynccontextmanager
async def open_own_state(
    connection: Connection, instance: str, clock: Clock, wake: Wake, *, create: bool
) -> AsyncIterator[OwnState]:
    """Open our buckets; without *create* one that is not there is empty, and stays away.

    *wake* is called when people ask for something.

    Raises:
        KanadeRefused: there is no room or no permission for them.
    """
    state, requests = Bucket(connection, STATE_BUCKET), Bucket(connection, REQUESTS_BUCKET)
    events = EventLog(connection)

    async def make() -> None:
        if create:
            await state.create(description="What kanade-reconciler knows; only its leader writes")
            await requests.create(description="What people ask of kanade-reconciler")
            await events.create()

    await make()
    async with AsyncExitStack() as stack:
        mirrors: list[Mirror] = []
        started: list[Mirror] = []
        # What we write ourselves is no news: a renewal of the lease must not start a pass.
        for bucket, changed in ((state, _nobody), (requests, wake)):
            mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>", changed)
            mirrors.append(mirror)
            if await api.stream_exists(connection, bucket.stream):
                await mirror.start()
                stack.push_async_callback(mirror.stop)
                started.append(mirror)
        lease = KvLease(state, mirrors[0], instance, clock, make)
        ledger = Ledger(state, mirrors[0], lease)
        book = RequestBook(requests, mirrors[1])
        yield OwnState(
            records=StateRecords(ledger, book, tuple(started), make),
            ledger=ledger,
            lease=lease,
            board=KvBoard(Board(mirrors[0]), ledger, events, lease),
            book=book,
        )


def _nobody() -> None:
    return
