"""One HTTP request of a notification: bounded, to where the settings say and nowhere else."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp
import yarl

from reconciler.errors import ArtifactRefused, NotificationNotDelivered, Undeliverable
from reconciler.notify.wording import CONTROLLER, one_line
from reconciler.ports import Clock
from reconciler.source.address import AddressRules, CheckedResolver

_WITHIN_SECONDS = 12
_MOST_BYTES = 4 * 1024 * 1024
_MAY_PASS = frozenset({408, 409, 423, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Posts to one host, which the operator has named: it alone may have a private address.

    Of an address only the host is ever shown: the rest of it may be a secret.
    """

    clock: Clock
    allow_loopback: bool = False

    async def ask(
        self,
        method: Literal["GET", "POST", "PUT", "PATCH"],
        address: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> bytes:
        """Send a request and return the body of an answer from 200 to 299; follow no redirect.

        Raises:
            NotificationNotDelivered: no answer in time, or one that asks to come again.
            Undeliverable: the address may not be used, or the answer is a plain no.
        """
        url, rules = self._checked(address)
        host = url.host or "?"
        headers = {"User-Agent": CONTROLLER, **headers}
        try:
            async with (
                asyncio.timeout(_WITHIN_SECONDS),
                _session(rules) as session,
                session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                self._check(response, host)
                return await _read(response)
        except ArtifactRefused as error:
            raise Undeliverable(f"{host}: {error}") from error
        except TimeoutError as error:
            raise NotificationNotDelivered(
                f"{host}: no answer within {_WITHIN_SECONDS} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NotificationNotDelivered(f"{host}: no answer: {type(error).__name__}") from error

    def _checked(self, address: str) -> tuple[yarl.URL, AddressRules]:
        try:
            host = (yarl.URL(address).raw_host or "").lower()
            rules = AddressRules(hosts=frozenset({host}), allow_loopback=self.allow_loopback)
            return rules.checked(address), rules
        except (ArtifactRefused, ValueError) as error:
            raise Undeliverable(f"the target's address is not to be used: {error}") from error

    def _check(self, response: aiohttp.ClientResponse, host: str) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        said = f"{host}: answered {status} {one_line(response.reason or '', 60)}".rstrip()
        after = asked_delay(response.headers, self.clock.now())
        if after is not None or status >= 500 or status in _MAY_PASS:
            raise NotificationNotDelivered(said, after)
        if 300 <= status < 400:
            raise Undeliverable(f"{said}: write the address that it leads to into the settings")
        raise Undeliverable(said)


def asked_delay(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the far end wants us to wait: `Retry-After`, or GitHub's limit of requests.

    RFC 9110, section 10.2.3: seconds, or a date.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return timedelta(seconds=min(int(asked), 10**6))
    if headers.get("X-RateLimit-Remaining") == "0":
        reset = headers.get("X-RateLimit-Reset", "")
        if reset.isascii() and reset.isdigit():
            return timedelta(seconds=max(0.0, min(int(reset) - now.timestamp(), 10**6)))
    try:
        when = parsedate_to_datetime(asked)
    except ValueError:
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(timedelta(0), when - now)


def _session(rules: AddressRules) -> aiohttp.ClientSession:
    resolver = CheckedResolver(rules, aiohttp.ThreadedResolver())
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the answer's body; what is too long for one is cut off."""
    body = bytearray()
    async for block in response.content.iter_chunked(64 * 1024):
        body += block
        if len(body) > _MOST_BYTES:
            break
    return bytes(body)
