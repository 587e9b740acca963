"""kanade's HTTP API: one client, with deadlines, and errors of ours."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Self, cast
from urllib.parse import urlsplit

import aiohttp
import msgspec

from reconciler.errors import (
    KanadeRefused,
    KanadeUnavailable,
    ReconcilerError,
    Unauthorized,
    UsageError,
)
from reconciler.kanade.http_errors import Kind, check_freeze, read_json, redirected, refusal
from reconciler.kanade.throttle import Throttle, refused_token
from reconciler.model.identity import Json
from reconciler.model.observed import BackendState
from reconciler.ports import Clock

SOURCE = "kanade-reconciler"
ANSWER_WITHIN = timedelta(seconds=30)
_CONNECT_SECONDS = 5.0
_STATE_WITHIN = timedelta(seconds=5)
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_CONNECTIONS = 16

Body = bytes | AsyncIterator[bytes]
Before = Callable[[], Awaitable[None]]
"""What has to go well before anything is sent; it raises otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """Where the backend is, and how it is trusted."""

    url: str
    token: Callable[[], str | None]
    """Asked for whenever it is needed, so that the token may be changed on the way."""
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: Body | None = None
    """Bytes, or what can be sent only once: then there is no second try."""
    content_type: str | None = None
    within: timedelta = ANSWER_WITHIN


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    content_type: str
    location: str
    retry_after: str | None
    data: bytes


class Account(msgspec.Struct):
    """Whose token it is, and how much that one may do: viewer, operator or admin."""

    username: str
    role: str


class _CommandKey(msgspec.Struct):
    kid: str | None


class BackendClient:
    """Implements `ports.Backend`, and asks for the other adapters."""

    def __init__(self, options: BackendOptions, clock: Clock) -> None:
        self._url = _checked(options.url)
        self._options = options
        self._throttle = Throttle(clock)
        self._session: aiohttp.ClientSession | None = None
        self.trouble: str | None = None
        """Why the backend is down; `None` while it is up."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def endpoint(self, ask: Ask) -> str:
        """Return what an error about *ask* begins with."""
        return f"backend {self._url}: {ask.method} {ask.path}"

    async def state(self) -> BackendState:
        """See `ports.Backend`; asked with the token, because without one nothing is written.

        Whatever else listens there may say 200 as well, so that the answer is read.
        """
        ask = Ask(method="GET", path="/api/freeze", within=_STATE_WITHIN)
        try:
            answer = await self.request(ask)
            check_freeze(answer.data, answer.content_type, self.endpoint(ask))
        except Unauthorized:
            raise
        except ReconcilerError as error:
            self.trouble = str(error)
            return BackendState.DOWN
        self.trouble = None
        return BackendState.UP

    async def manifest_schema(self) -> Mapping[str, Json] | None:
        """See `ports.Backend`; raises what `request` raises."""
        ask = Ask(method="GET", path="/api/schemas/manifest.json", within=_STATE_WITHIN)
        answer = await self.request(ask)
        endpoint = self.endpoint(ask)
        schema = read_json(answer.data, answer.content_type, dict[str, object], endpoint)
        return cast("Mapping[str, Json]", schema)

    async def account(self) -> Account | None:
        """Return whose the token is; `None` from a server that does not show it.

        Raises:
            Unauthorized: the token is refused.
            KanadeUnavailable: no answer.
        """
        return await self._document("/api/auth/me", Account)

    async def command_key(self) -> str | None:
        """Return the id of the key that it signs commands with; `None` when it signs none.

        Raises what `account` raises.
        """
        key = await self._document("/api/command-signing", _CommandKey)
        return key.kid if key is not None else None

    async def _document(self, path: str, kind: type[Kind]) -> Kind | None:
        """Return what is at *path*; `None` from a server that has nothing there."""
        ask = Ask(method="GET", path=path, within=_STATE_WITHIN)
        try:
            answer = await self.request(ask)
        except Unauthorized:
            raise
        except KanadeRefused:
            return None
        if answer.content_type != "application/json":
            return None
        return read_json(answer.data, answer.content_type, kind, self.endpoint(ask))

    async def head(self, path: str) -> tuple[int, str]:
        """Return the status and the content type of *path*, whatever they are."""
        ask = Ask(method="HEAD", path=path, within=_STATE_WITHIN)
        answer = await self._send(ask, self._options.token())
        return answer.status, answer.content_type

    async def request(self, ask: Ask, before: Before | None = None) -> Answer:
        """Ask, and return an answer with a status of 2xx; *before* comes before each sending.

        Raises:
            KanadeUnavailable: no answer, or none that is kanade's: it may have been done.
            Unauthorized: the token is refused, also after it was read again.
            NoRoom: there is no place for it.
            KanadeRefused: the backend refuses, with its own message.
        """
        token = self._options.token()
        self._throttle.check(self.endpoint(ask), token)
        if before is not None:
            await before()
        answer = await self._send(ask, token)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = await self._send_with_new_token(ask, token, before)
        self._check(ask, answer)
        return answer

    async def _send_with_new_token(
        self, ask: Ask, refused: str | None, before: Before | None
    ) -> Answer:
        token = self._options.token()
        if token != refused and (ask.body is None or isinstance(ask.body, bytes)):
            if before is not None:
                await before()
            answer = await self._send(ask, token)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                return answer
        self._throttle.refuse(token)
        raise refused_token(self.endpoint(ask))

    def _check(self, ask: Ask, answer: Answer) -> None:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._throttle.slow_down(answer.retry_after)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(answer.status, answer.data, self.endpoint(ask))
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise redirected(answer.status, answer.location, self.endpoint(ask))

    async def _send(self, ask: Ask, token: str | None) -> Answer:
        headers = {"X-Kanade-Source": SOURCE, "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if ask.content_type is not None:
            headers["Content-Type"] = ask.content_type
        try:
            async with self._opened().request(
                ask.method,
                self._url + ask.path,
                data=ask.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=ask.within.total_seconds(), sock_connect=_CONNECT_SECONDS
                ),
            ) as response:
                return Answer(
                    response.status,
                    response.content_type if "Content-Type" in response.headers else "",
                    response.headers.get("Location", ""),
                    response.headers.get("Retry-After"),
                    await self._read(ask, response),
                )
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            message = str(error) or type(error).__name__
            raise KanadeUnavailable(f"{self.endpoint(ask)}: {message}") from error

    async def _read(self, ask: Ask, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for block in response.content.iter_any():
            data += block
            if len(data) > _MAX_ANSWER_BYTES:
                raise KanadeUnavailable(
                    f"{self.endpoint(ask)}: an answer of more than {_MAX_ANSWER_BYTES:,} bytes"
                )
        return bytes(data)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            ca = self._options.ca
            try:
                context = ssl.create_default_context(cafile=ca)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"backend: cannot use the certificate {ca}: {error}") from error
            # No proxy and no .netrc of the user: the token goes where the URL says.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=context),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


class NoBackend:
    """Implements `ports.Backend` where none is configured."""

    async def state(self) -> BackendState:
        """See `ports.Backend`."""
        return BackendState.NONE

    async def manifest_schema(self) -> Mapping[str, Json] | None:
        """See `ports.Backend`."""
        return None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or parts.query or parts.fragment or parts.username:
        raise UsageError(
            "backend: the url must be like http://host:8080, without a user, a query or a fragment"
        )
    return url.rstrip("/")
