"""One nats-py client, from its first connect to its end."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Coroutine
from datetime import timedelta
from typing import Protocol

from nats import errors as nats_errors
from nats.aio.client import Client

from reconciler.errors import KanadeRefused, KanadeUnavailable, Unauthorized
from reconciler.jetstream.options import NatsOptions
from reconciler.jetstream.shared_headers import SharingClient

MINIMUM_VERSION = (2, 12, 3)
"""Older ones lose data in a crash, and cannot expect the last sequence of another subject."""

_FOR_EVER = -1
_PING_SECONDS = 5
_PENDING_BYTES = 16 * 1024 * 1024
_CLOSE_SECONDS = 2.0
_PONG_WITHIN = timedelta(seconds=1)
_VIOLATION = re.compile(
    r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE
)
_AUTHORIZATION = ("authorization violation", "authentication expired", "authorization timeout")


class Watcher(Protocol):
    """Who is notified when a link goes up or down."""

    def link_up(self) -> None:
        """It is connected again."""

    def link_down(self) -> None:
        """It has lost its server; what was under way is lost or unknown."""

    def forbidden(self, verb: str, subject: str) -> None:
        """The server refused to *verb* *subject*, which nats-py has folded to lower case."""


class Link:
    """A client that reconnects for ever, says why it cannot, and prints nothing."""

    def __init__(self, options: NatsOptions, watcher: Watcher) -> None:
        self._options = options
        self._watcher = watcher
        self._opened = False
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client: Client = SharingClient()
        self.trouble: str | None = None
        """The last thing that the server or the network said against us."""

    @property
    def clustered(self) -> bool:
        """True when the server says that it belongs to a cluster."""
        # nats-py keeps what the server said of itself, and shows only parts of it.
        return bool(self.client._server_info.get("cluster"))  # noqa: SLF001

    async def open(self) -> None:
        """Connect, or give up at the deadline.

        Raises:
            Unauthorized: the server refuses the credentials.
            KanadeUnavailable: no server answers.
            KanadeRefused: the server is too old.
            UsageError: a file of the options is wrong.
        """
        self._options.check_credentials()
        tls = self._options.tls_context()
        try:
            async with asyncio.timeout(self._options.connect_timeout.total_seconds()):
                await _heeding(self._connect(tls))
        except (TimeoutError, OSError, nats_errors.Error) as error:
            await self.close()
            raise self._failure(error) from error
        # Only now, so that a refusal ends the attempt in place of being tried again.
        self.client.options["allow_reconnect"] = True
        self._opened = True
        await self._check_version()

    async def _connect(self, tls: ssl.SSLContext | None) -> None:
        options = self._options
        await self.client.connect(
            servers=list(options.servers),
            name=options.name,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            allow_reconnect=False,
            max_reconnect_attempts=_FOR_EVER,
            reconnect_time_wait=1,
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=2,
            pending_size=_PENDING_BYTES,
            token=options.token,
            user=options.user,
            password=options.password,
            user_credentials=options.credentials,
            inbox_prefix=options.inbox_prefix,
            tls=tls,
        )

    async def close(self) -> None:
        """End it; a server that does not answer cannot hold it up."""
        with contextlib.suppress(TimeoutError, OSError, nats_errors.Error):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.client.close()

    async def flush(self, within: timedelta) -> None:
        """Return when the server has had all that was sent before."""
        # nats-py's flush sends its ping ahead of what is still in its buffer.
        while self.client.pending_data_size and self.client.is_connected:  # noqa: ASYNC110 (no event)
            await asyncio.sleep(0)
        # And it waits out its timeout for an answer that went with its connection; and a late
        # answer to one that was given up would end the connection, with a traceback.
        pong: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await self.client._send_ping(pong)  # noqa: SLF001
        answers = (pong, self._lost)
        seconds = within.total_seconds()
        await asyncio.wait(answers, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not pong.done():
            raise (
                nats_errors.StaleConnectionError if self._lost.done() else nats_errors.TimeoutError
            )

    async def leave_silent_server(self) -> None:
        """Connect again, unless the server itself still answers.

        In a cluster a stream without a leader is silent through every server.
        """
        try:
            with contextlib.suppress(nats_errors.StaleConnectionError):
                await self.flush(_PONG_WITHIN)
        except nats_errors.TimeoutError:
            await self.client.force_reconnect()

    async def _check_version(self) -> None:
        version = self.client.connected_server_version
        try:
            found = (version.major, version.minor, version.patch)
        except ValueError:
            return
        if found < MINIMUM_VERSION:
            await self.close()
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise KanadeRefused(
                f"nats-server {'.'.join(map(str, found))} at {self._options.shown} is too old: "
                f"{wanted} or newer is needed; update it"
            )

    def _failure(self, error: Exception) -> Exception:
        trouble = self.trouble or _words(error)
        if any(sign in trouble.lower() for sign in _AUTHORIZATION):
            return Unauthorized(
                f"NATS {self._options.shown} refused the credentials ({trouble}); "
                "check the token, or user and password"
            )
        return KanadeUnavailable(
            f"NATS {self._options.shown} cannot be reached ({trouble}); "
            "check the URL and that nats-server runs"
        )

    async def _on_error(self, error: Exception) -> None:
        text = _words(error)
        if violation := _VIOLATION.search(text):
            self._watcher.forbidden(violation[1].lower(), violation[2])
        else:
            self.trouble = text

    async def _on_disconnected(self) -> None:
        # nats-py would send what is still in its buffer whenever it is connected again: hours
        # later, and long after the caller was answered that nothing is known of it.
        self.client._pending.clear()  # noqa: SLF001
        self.client._pending_data_size = 0  # noqa: SLF001
        self._tell_down()

    async def _on_reconnected(self) -> None:
        self.trouble = None
        self._lost = asyncio.get_running_loop().create_future()
        self._watcher.link_up()

    async def _on_closed(self) -> None:
        if self.client.last_error is not None:
            self.trouble = _words(self.client.last_error)
        self._tell_down()

    def _tell_down(self) -> None:
        """What never was up is not announced: opening it raises an error."""
        if not self._lost.done():
            self._lost.set_result(None)
        if self._opened:
            self._watcher.link_down()


async def _heeding(work: Coroutine[object, object, None]) -> None:
    """Await *work*, and end when we are cancelled even where *work* does not.

    Before Python 3.12, `asyncio.wait_for` swallows a cancellation that comes in the moment in
    which what it waits for is done; nats-py opens its socket with it.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    task.result()


def _words(error: Exception) -> str:
    return str(error).removeprefix("nats: ").strip("'") or type(error).__name__
