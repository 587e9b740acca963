"""The services that hosts run, asked over HTTP how they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from reconciler.model.identity import Version

_WITHIN_SECONDS = 5.0
_MOST_OF_A_BODY = 16 * 1024
_MOST_CHARACTERS = 200


class HttpServices:
    """Implements `ports.Services`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, url: str, version: Version | None = None, /) -> str | None:
        """See `ports.Services`; a redirect is no sign of health."""
        timeout = aiohttp.ClientTimeout(total=_WITHIN_SECONDS)
        try:
            async with self._session.get(url, timeout=timeout, allow_redirects=False) as answer:
                body = await _start_of(answer)
                if 200 <= answer.status < 300:
                    return _other_version(url, body, version) if version is not None else None
                return f"{url} answers {answer.status}" + _excerpt(body)
        except TimeoutError:
            return f"{url} does not answer within {_WITHIN_SECONDS:g} s"
        except (aiohttp.ClientError, ValueError) as error:
            return f"{url} cannot be reached: {error}"


async def _start_of(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in answer.content.iter_any():
        body += part
        if len(body) >= _MOST_OF_A_BODY:
            break
    return body[:_MOST_OF_A_BODY]


def _excerpt(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())[:_MOST_CHARACTERS]
    return f": {text}" if text else ""


def _other_version(url: str, body: bytes, wanted: Version) -> str | None:
    """Return what is wrong with a body that should show *wanted* as its version."""
    try:
        shown = msgspec.json.decode(body, type=_Shown).version
    except msgspec.DecodeError:
        return f"{url} shows no version" + _excerpt(body)
    return (
        None
        if shown == wanted
        else f"{url} shows version {shown[:_MOST_CHARACTERS]}, wanted is {wanted}"
    )


class _Shown(msgspec.Struct, frozen=True):
    version: str


@asynccontextmanager
async def open_services() -> AsyncIterator[HttpServices]:
    """Open what asks, for as long as the context lasts."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield HttpServices(session)
