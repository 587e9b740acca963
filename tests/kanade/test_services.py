"""How a real HTTP service is asked how it is."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from reconciler.kanade.services import open_services
from reconciler.model.identity import Version

TOLD = {
    "right": b'{"name": "tool", "version": "2.0.0"}',
    "other": b'{"version": "1.0.0"}',
    "no-object": b'"2.0.0"',
    "no-text": b'{"version": 2}',
    "endless": b"x" * 10_000_000,
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Return the address of a server whose paths answer with what they say."""

    async def answer(request: web.Request) -> web.Response:
        status = int(request.match_info["status"])
        return web.Response(status=status, text="down for\n repair", headers={"Location": "/200"})

    async def version(request: web.Request) -> web.Response:
        return web.Response(body=TOLD[request.match_info["what"]])

    app = web.Application()
    app.add_routes([web.get("/{status}", answer), web.get("/version/{what}", version)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("status", [200, 204])
async def test_a_service_that_answers_is_well(url: str, status: int) -> None:
    async with open_services() as services:
        assert await services.ask(f"{url}/{status}") is None


@pytest.mark.parametrize("status", [302, 404, 503])
async def test_anything_else_is_told_with_what_it_said(url: str, status: int) -> None:
    async with open_services() as services:
        wrong = await services.ask(f"{url}/{status}")

    assert wrong == f"{url}/{status} answers {status}: down for repair"


async def test_nobody_there_is_told_as_such() -> None:
    nobody = "http://127.0.0.1:1/health"
    async with open_services() as services:
        wrong = await services.ask(nobody)

    assert wrong is not None
    assert wrong.startswith(f"{nobody} cannot be reached: ")


async def test_the_version_that_a_service_tells_must_be_the_one_that_is_wanted(url: str) -> None:
    wanted = Version("2.0.0")
    async with open_services() as services:
        told = {what: await services.ask(f"{url}/version/{what}", wanted) for what in TOLD}

    assert told["right"] is None
    assert told["other"] == f"{url}/version/other shows version 1.0.0, wanted is 2.0.0"
    assert told["no-object"] == f'{url}/version/no-object shows no version: "2.0.0"'
    assert told["no-text"] == f'{url}/version/no-text shows no version: {{"version": 2}}'
    assert told["endless"] is not None
    assert len(told["endless"]) < 400
