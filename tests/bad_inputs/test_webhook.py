"""A webhook that is sent too much, or too slowly."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from reconciler.serve import hooks
from reconciler.serve.hooks import git_hook_routes
from tests.support.clock import FakeClock

TOO_LARGE = {"error": "the body is larger than 1,048,576 bytes"}


@pytest.fixture
async def address() -> AsyncIterator[str]:
    application = web.Application()

    def never() -> None:
        pytest.fail("it woke us")

    application.add_routes(git_hook_routes("secret", never, FakeClock()))
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/git"
    await runner.cleanup()


async def test_a_body_of_fifty_megabytes_is_not_read(address: str) -> None:
    """Its length is told beforehand, so that not a byte of it need come."""
    reader, writer = await opened(address)
    head = f"POST /hooks/git HTTP/1.1\r\nHost: x\r\nContent-Length: {50 * 2**20}\r\n\r\n"
    writer.write(head.encode())

    answer = await reader.readuntil(b"}")

    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == TOO_LARGE


async def test_a_body_without_a_length_is_cut_off(address: str) -> None:
    reader, writer = await opened(address)
    writer.write(b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    before = resident()
    answer = asyncio.ensure_future(reader.readuntil(b"}"))
    sent = 0
    while not answer.done():
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        sent += 0x10000
        await asyncio.sleep(0)

    writer.transport.abort()
    assert (await answer).startswith(b"HTTP/1.1 413 ")
    assert sent < 20 * 2**20
    assert resident() - before < 20 * 2**20


async def test_one_byte_too_many_is_too_many(address: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=io.BytesIO(bytes(1024 * 1024 + 1))) as response,
    ):
        assert (response.status, await response.json()) == (413, TOO_LARGE)


async def test_a_body_that_does_not_come_is_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_BODY_WITHIN_SECONDS", 0.1)
    reader, writer = await opened(address)
    writer.write(b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")

    answer = await reader.readuntil(b"}")

    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def opened(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = address.removeprefix("http://").partition("/")[0].split(":")
    return await asyncio.open_connection(host, int(port))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
