"""An artifact fetched over https: bounded in bytes and time, its redirects checked one by one."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver

from reconciler.errors import ArtifactRefused, ArtifactUnavailable
from reconciler.source.address import AddressRules, CheckedResolver, presentable
from reconciler.source.spool import Spool

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAY_PASS = frozenset({408, 425, 429})
_MAX_REDIRECTS = 3
_BLOCK_BYTES = 256 * 1024
_CONNECT_SECONDS = 10
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "kanade-reconciler"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Fetches into a spool; no cookie, no proxy, no credential, nothing unpacked."""

    rules: AddressRules
    deadline: timedelta
    stalled_after: timedelta
    tls: ssl.SSLContext | None = None
    resolver: AbstractResolver | None = None

    async def fetch(self, address: str, spool: Spool, *, stated: int | None, at_most: int) -> str:
        """Bring what *address* serves into *spool*; return the address as it may be shown.

        Raises:
            ArtifactUnavailable: no answer, or not the whole of it in time.
            ArtifactRefused: the address is not to be fetched from, or serves something else.
        """
        url = self.rules.checked(address)
        shown = presentable(url)
        limit = at_most if stated is None else min(stated, at_most)
        with _told(shown, self.deadline):
            async with (
                asyncio.timeout(self.deadline.total_seconds()),
                self._answer(url) as response,
            ):
                await _receive(response, spool, limit=limit, stated=stated)
        return shown

    async def size(self, address: str) -> int | None:
        """Ask how many bytes *address* serves, and take none; `None` where it does not state that.

        Raises what `fetch` raises.
        """
        url = self.rules.checked(address)
        with _told(presentable(url), self.deadline):
            async with (
                asyncio.timeout(self.deadline.total_seconds()),
                self._answer(url) as response,
            ):
                return response.content_length

    @asynccontextmanager
    async def _answer(self, url: yarl.URL) -> AsyncIterator[aiohttp.ClientResponse]:
        """Follow redirects to an answer."""
        async with self._session() as session:
            for _ in range(_MAX_REDIRECTS + 1):
                async with session.get(url, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        _check_status(response)
                        yield response
                        return
                    url = self.rules.checked(_target(response), came_from=url)
            raise ArtifactRefused(f"{presentable(url)}: more than {_MAX_REDIRECTS} redirects")

    def _session(self) -> aiohttp.ClientSession:
        resolver = self.resolver or aiohttp.ThreadedResolver()
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(self.rules, resolver),
            use_dns_cache=False,
            force_close=True,
            ssl=self.tls or True,
        )
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=_CONNECT_SECONDS,
            sock_read=self.stalled_after.total_seconds(),
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


@contextmanager
def _told(shown: str, deadline: timedelta) -> Iterator[None]:
    """Raise aiohttp's errors as ours; *shown* is what was asked."""
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise ArtifactRefused(f"{shown}: not an address: {_one_line(error)}") from error
    except aiohttp.ServerTimeoutError as error:
        raise ArtifactUnavailable(f"{shown}: stopped answering") from error
    except TimeoutError as error:
        seconds = deadline.total_seconds()
        raise ArtifactUnavailable(f"{shown}: too slow: gave up within {seconds:g} s") from error
    except aiohttp.ClientPayloadError as error:
        raise ArtifactUnavailable(f"{shown}: ended before it was complete") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ArtifactUnavailable(f"{shown}: no answer: {_one_line(error)}") from error


async def _receive(
    response: aiohttp.ClientResponse, spool: Spool, *, limit: int, stated: int | None
) -> None:
    shown = presentable(response.url)
    source = "the limit" if stated is None else "size in git"
    too_many = f"{shown}: more than {limit:,} bytes ({source})"
    if (response.content_length or 0) > limit:
        raise ArtifactRefused(too_many)
    await spool.fill(response.content.iter_chunked(_BLOCK_BYTES), at_most=limit, too_many=too_many)


def _check_status(response: aiohttp.ClientResponse) -> None:
    status, shown = response.status, presentable(response.url)
    if status >= 500 or status in _MAY_PASS:
        raise ArtifactUnavailable(f"{shown}: answered {status}; it may pass")
    if status != 200:
        raise ArtifactRefused(f"{shown}: answered {status}: only 200 brings a file")


def _target(response: aiohttp.ClientResponse) -> str:
    target = response.headers.get("Location")
    if not target:
        raise ArtifactRefused(f"{presentable(response.url)}: redirects, but not to anywhere")
    return target


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(character if character.isprintable() else "?" for character in text)[:200]
