"""What an operator's commands work with: the status to read, the requests to write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reconciler.cli.clock import SystemClock
from reconciler.cli.links import open_connection
from reconciler.cli.settings import Settings
from reconciler.errors import UsageError
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.identity import ReleaseName
from reconciler.ports import Clock
from reconciler.state.board import Board
from reconciler.state.names import REQUESTS_BUCKET, STATE_BUCKET
from reconciler.state.requests import RequestBook


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The controller's status and the requests bucket, without the controller."""

    connection: Connection
    board: Board
    book: RequestBook
    clock: Clock

    def known(self, name: str) -> ReleaseName:
        """Return *name* as that of a release which the controller knows.

        Raises:
            UsageError: it knows none of that name.
        """
        release = ReleaseName(name)
        known = self.board.read().releases
        if release not in known:
            names = ", ".join(sorted(known)) or "none"
            raise UsageError(f"no release {name!r} is known; there are: {names}")
        return release


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """Open the desk.

    Raises:
        UsageError: no controller has ever run here.
    """
    async with open_connection(settings) as connection:
        state, requests = Bucket(connection, STATE_BUCKET), Bucket(connection, REQUESTS_BUCKET)
        for bucket in (state, requests):
            if not await api.stream_exists(connection, bucket.stream):
                message = f"no controller has run on {connection.server} yet; try: reconciler run"
                raise UsageError(message)
        mirrors = [_mirror(connection, bucket) for bucket in (state, requests)]
        try:
            for mirror in mirrors:
                await mirror.start()
            yield Desk(
                connection=connection,
                board=Board(mirrors[0]),
                book=RequestBook(requests, mirrors[1]),
                clock=SystemClock(),
            )
        finally:
            for mirror in mirrors:
                await mirror.stop()


def _mirror(connection: Connection, bucket: Bucket) -> Mirror:
    return Mirror(connection, bucket.stream, f"{bucket.prefix}>", lambda: None)
