"""Artifacts over http, from real servers that are friendly, and others."""

import asyncio
import gzip
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from reconciler.errors import ArtifactRefused, ArtifactUnavailable, ReconcilerError
from reconciler.source.address import AddressRules
from reconciler.source.download import Downloader
from reconciler.source.spool import spool
from tests.source.repository import names_in
from tests.source.test_address import Resolver

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BYTES = os.urandom(300_000)

downloader = Downloader(
    rules=AddressRules(allow_loopback=True),
    deadline=timedelta(minutes=1),
    stalled_after=timedelta(minutes=1),
)


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve every path by *handler*; the address ends with a slash."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "http" if tls is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def whole(_: web.Request) -> web.Response:
    return web.Response(body=BYTES)


async def fetched(
    address: str,
    folder: Path,
    *,
    by: Downloader = downloader,
    stated: int | None = None,
    at_most: int = 10**6,
) -> bytes:
    with spool(folder) as place:
        await by.fetch(address, place, stated=stated, at_most=at_most)
        return os.pread(place.descriptor, 10**7, 0)


async def refusal(
    handler: Handler, folder: Path, *, by: Downloader = downloader, stated: int | None = None
) -> tuple[type[ReconcilerError], str]:
    async with serving(handler) as address:
        with pytest.raises(ReconcilerError) as caught:
            await fetched(f"{address}tool?token=CANARY", folder, by=by, stated=stated)
        message = str(caught.value)
        assert message.startswith(f"{address}tool: ")
    assert "CANARY" not in message
    assert "\n" not in message
    assert names_in(folder) == []
    return type(caught.value), message.partition("/tool: ")[2]


@pytest.mark.parametrize("stated", [None, len(BYTES)])
async def test_a_file_is_fetched(tmp_path: Path, stated: int | None) -> None:
    async with serving(whole) as address:
        assert await fetched(f"{address}tool", tmp_path, stated=stated) == BYTES
    assert names_in(tmp_path) == []


async def test_it_asks_for_the_plain_bytes_and_says_nothing_else_of_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy of the environment, no password of ~/.netrc, no cookie of an earlier hop."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password CANARY\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[dict[str, str]] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        if request.path == "/a":
            headers = {"Location": "/b", "Set-Cookie": "cookie=CANARY; Path=/"}
            return web.Response(status=302, headers=headers)
        return web.Response(body=b"x")

    async with serving(note) as address:
        # By name: cookies of addresses are not kept anyway.
        await fetched(f"{address.replace('127.0.0.1', 'localhost')}a", tmp_path / "spool")

    assert [set(headers) for headers in seen] == [
        {"Host", "Accept", "Accept-Encoding", "Connection", "User-Agent"}
    ] * 2
    assert {headers["Accept-Encoding"] for headers in seen} == {"identity"}
    assert {headers["User-Agent"] for headers in seen} == {"kanade-reconciler"}


async def test_more_than_the_size_in_git_is_refused(tmp_path: Path) -> None:
    assert await refusal(whole, tmp_path, stated=1000) == (
        ArtifactRefused,
        "more than 1,000 bytes (size in git)",
    )


async def test_an_endless_file_is_cut_off(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not (request.transport is None or request.transport.is_closing()):
            await response.write(bytes(100_000))
        return response

    assert await refusal(endless, tmp_path) == (
        ArtifactRefused,
        "more than 1,000,000 bytes (the limit)",
    )


async def test_a_size_that_is_told_beforehand_is_believed_when_it_is_too_large(
    tmp_path: Path,
) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 10**9
        await response.prepare(request)
        await asyncio.sleep(600)
        return response

    assert await refusal(large, tmp_path) == (
        ArtifactRefused,
        "more than 1,000,000 bytes (the limit)",
    )


async def test_a_file_that_breaks_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    assert await refusal(cut, tmp_path) == (
        ArtifactUnavailable,
        "ended before it was complete",
    )


async def test_compressed_bytes_are_taken_as_they_come(tmp_path: Path) -> None:
    """A bomb stays as small as it was sent; its digest will not be the right one."""
    bomb = gzip.compress(bytes(10**7))

    async def compressed(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(compressed) as address:
        assert await fetched(address, tmp_path) == bomb


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (500, ArtifactUnavailable, "answered 500; it may pass"),
        (503, ArtifactUnavailable, "answered 503; it may pass"),
        (429, ArtifactUnavailable, "answered 429; it may pass"),
        (401, ArtifactRefused, "answered 401: only 200 brings a file"),
        (403, ArtifactRefused, "answered 403: only 200 brings a file"),
        (404, ArtifactRefused, "answered 404: only 200 brings a file"),
        (204, ArtifactRefused, "answered 204: only 200 brings a file"),
        (206, ArtifactRefused, "answered 206: only 200 brings a file"),
        (304, ArtifactRefused, "answered 304: only 200 brings a file"),
        (302, ArtifactRefused, "redirects, but not to anywhere"),
    ],
)
async def test_only_200_is_a_file(
    tmp_path: Path, status: int, error: type[ReconcilerError], message: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    assert await refusal(answer, tmp_path) == (error, message)


async def test_three_redirects_are_followed_and_no_fourth(tmp_path: Path) -> None:
    async def hop(request: web.Request) -> web.Response:
        left = int(request.match_info["path"])
        if not left:
            return web.Response(body=b"there")
        return web.Response(status=307, headers={"Location": f"/{left - 1}"})

    async with serving(hop) as address:
        assert await fetched(f"{address}3", tmp_path) == b"there"
        with pytest.raises(ArtifactRefused) as caught:
            await fetched(f"{address}4", tmp_path)

    assert str(caught.value) == f"{address}0: more than 3 redirects"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("http://169.254.169.254/x", "http://169.254.169.254/x refused: https only"),
        ("http://10.0.0.1/", "http://10.0.0.1/ refused: https only"),
        ("file:///etc/passwd", "file:///etc/passwd refused: https only"),
        (
            "https://169.254.169.254/x?token=CANARY",
            "https://169.254.169.254/x refused: 169.254.169.254 is not an address to fetch from",
        ),
    ],
)
async def test_a_redirect_inside_is_not_followed(tmp_path: Path, target: str, message: str) -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": target})

    assert await refusal(redirect, tmp_path) == (ArtifactRefused, f"redirect to {message}")


async def test_a_name_that_leads_to_this_machine_is_not_connected_to(tmp_path: Path) -> None:
    strict = replace(downloader, rules=AddressRules(), resolver=Resolver(["127.0.0.1"]))

    with pytest.raises(ArtifactRefused) as caught:
        await fetched("https://files.example/tool", tmp_path, by=strict)

    assert str(caught.value) == "files.example: 127.0.0.1 is this machine itself"


async def test_a_server_that_stalls_is_given_up(tmp_path: Path) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.sleep(600)
        return response

    hasty = replace(downloader, stalled_after=timedelta(milliseconds=200))
    assert await refusal(stall, tmp_path, by=hasty) == (ArtifactUnavailable, "stopped answering")


async def test_a_trickle_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not (request.transport is None or request.transport.is_closing()):
            await response.write(b"x")
            await asyncio.sleep(0.02)
        return response

    hasty = replace(downloader, deadline=timedelta(milliseconds=300))
    assert await refusal(trickle, tmp_path, by=hasty) == (
        ArtifactUnavailable,
        "too slow: gave up within 0.3 s",
    )


async def test_nobody_listening_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(ArtifactUnavailable, match=r"^http://127.0.0.1:1/x: no answer: "):
        await fetched("http://127.0.0.1:1/x", tmp_path)


async def test_a_server_that_speaks_something_else_is_named(tmp_path: Path) -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ftp.example.com\r\n\x1b[31m\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    async with server:
        with pytest.raises(ArtifactUnavailable) as caught:
            await fetched(address, tmp_path)

    assert str(caught.value).startswith(f"{address}: no answer: ")
    assert str(caught.value).isprintable()
