"""What an operator's commands work with: the status to read, the requests to write."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from reconciler.cli.clock import SystemClock
from reconciler.cli.links import open_connection
from reconciler.cli.render import complain
from reconciler.cli.settings import Settings
from reconciler.desired.wording import did_you_mean, listed, printable
from reconciler.errors import KanadeUnavailable, UsageError
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.record import ReleaseRecord
from reconciler.model.status import Status
from reconciler.ports import Clock
from reconciler.state.board import Board
from reconciler.state.lease import holder_of
from reconciler.state.names import REQUESTS_BUCKET, STATE_BUCKET, TERM
from reconciler.state.requests import RequestBook
from reconciler.state.table import Table
from reconciler.state.tables import record_table

_RECHECK_SECONDS = 5.0
"""So often the copy is proved while nothing seems to happen: NATS may be away."""


@dataclass(frozen=True, kw_only=True)
class StatusClient:
    """The controller's status and the requests bucket, without the controller."""

    connection: Connection
    board: Board
    records: Table[tuple[ReleaseName, Fingerprint], ReleaseRecord]
    """What was proved, and can be gone back to."""
    book: RequestBook
    clock: Clock
    mirrors: tuple[Mirror, ...]
    """What all of these read from."""

    def is_led(self) -> bool:
        """True where a controller has taken the lead and has not given it up; it may be dead."""
        term = Bucket(self.connection, STATE_BUCKET).subject(TERM)
        return holder_of(self.mirrors[0].live.get(term)) != ""

    async def statuses(self) -> AsyncIterator[Status]:
        """Yield the status, and again whenever it is another one.

        While NATS is away it is waited for; that is said once.
        """
        news = asyncio.Event()
        self.board.follow(news.set)
        last: Status | None = None
        away = False
        while True:
            news.clear()
            status = self.board.read()
            if status != last:
                last = status
                yield status
            with suppress(TimeoutError):
                async with asyncio.timeout(_RECHECK_SECONDS):
                    await news.wait()
            try:
                await asyncio.gather(*(mirror.refresh() for mirror in self.mirrors))
                away = False
            except KanadeUnavailable as error:
                if not away:
                    complain(f"waiting: {error}")
                away = True

    def known(self, name: str) -> ReleaseName:
        """Return *name* as that of a release which the controller knows.

        Raises:
            UsageError: it knows none of that name.
        """
        release = ReleaseName(name)
        require("release", release, self.board.read().releases)
        return release


def require(kind: str, name: str | None, known: Collection[str]) -> None:
    """See that *name*, where one is given, is among the *known* of its *kind*.

    Raises:
        UsageError: it is not; the error has the nearest, or else what there is.
    """
    if name is not None and name not in known:
        hint = did_you_mean(name, known) or f"; there are: {listed(known) or 'none'}"
        raise UsageError(f"no {kind} {printable(name)} is known{hint}")


@asynccontextmanager
async def open_status_client(settings: Settings) -> AsyncIterator[StatusClient]:
    """Connect, and read the status.

    Raises:
        UsageError: no controller has ever run here.
    """
    async with open_connection(settings) as connection:
        state, requests = Bucket(connection, STATE_BUCKET), Bucket(connection, REQUESTS_BUCKET)
        for bucket in (state, requests):
            if not await api.stream_exists(connection, bucket.stream):
                message = f"no controller has run on {connection.server} yet; try: reconciler run"
                raise UsageError(message)
        mirrors = tuple(_mirror(connection, bucket) for bucket in (state, requests))
        try:
            for mirror in mirrors:
                await mirror.start()
            yield StatusClient(
                connection=connection,
                board=Board(mirrors[0]),
                records=record_table(mirrors[0]),
                book=RequestBook(requests, mirrors[1]),
                clock=SystemClock(),
                mirrors=mirrors,
            )
        finally:
            for mirror in mirrors:
                await mirror.stop()


def _mirror(connection: Connection, bucket: Bucket) -> Mirror:
    return Mirror(connection, bucket.stream, f"{bucket.prefix}>", lambda: None)
