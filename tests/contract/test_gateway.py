"""The gateway answers what the backend answers, of the very same packages."""

import io
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from reconciler.cli.clock import SystemClock
from reconciler.jetstream.connection import connect
from reconciler.jetstream.options import NatsOptions
from reconciler.kanade.package_reader import PackageReader
from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import PackageName, ReleaseName, Version
from reconciler.model.secret import Secret
from reconciler.serve.gateway import Gateway, Limits
from tests.contract.commands import unique
from tests.contract.fleets import Fleet, Reply
from tests.contract.real_kanade import HTTP_TOKEN, NATS_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTENT = secrets.token_bytes(3_000_001)
KEY = TokenKey(secret=Secret("k" * 32), epoch=timedelta(days=7))
SAME = (
    *("accept-ranges", "content-disposition", "content-length", "content-range", "etag"),
    "content-type",
)


@asynccontextmanager
async def gateway_of(fleet: Fleet) -> AsyncIterator[str]:
    """Serve the fleet's packages, and give the address."""
    url = fleet.client.connected_url
    assert url is not None
    server = f"nats://{url.hostname}:{url.port}"
    token = NATS_TOKEN if fleet.token == HTTP_TOKEN else None
    async with await connect(NatsOptions(servers=(server,), token=token)) as connection:
        gateway = Gateway(
            PackageReader(connection), lambda: KEY, SystemClock(), Limits(downloads=4)
        )
        application = web.Application()
        application.add_routes(gateway.routes())
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def name(fleet: Fleet) -> str:
    """A package of the backend's own storing: its chunks are of many sizes."""
    name = unique("package")
    with aiohttp.MultipartWriter("form-data") as form:
        part = form.append(io.BytesIO(CONTENT))
        part.set_content_disposition("form-data", name="file", filename="package.bin")
    path = f"/api/app-packages/{name}/1"
    assert (await fleet.ask("POST", path, form, kind=form.content_type)).status == 200
    return name


async def both(
    fleet: Fleet, name: str, method: str = "GET", version: str = "1", **headers: str
) -> tuple[Reply, Reply]:
    """Ask the backend and the gateway for the same, each by a token that it takes."""
    # No deploy script asks for it, and the backend's answers lose their length by it.
    sent = {"Accept-Encoding": "identity"}
    sent |= {key.replace("_", "-"): value for key, value in headers.items()}
    grant = DownloadGrant(ReleaseName("r"), PackageName(name), Version(version), Digest.of(CONTENT))
    path = f"/api/app-packages/{name}/{version}"
    async with gateway_of(fleet) as url:
        ours = replace(fleet, url=url, token=KEY.token(grant, SystemClock().now()))
        return await fleet.ask(method, path, headers=sent), await ours.ask(
            method, path, headers=sent
        )


def assert_alike(theirs: Reply, ours: Reply) -> None:
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert {name: ours.headers.get(name) for name in SAME} == {
        name: theirs.headers.get(name) for name in SAME
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_whole_package(fleet: Fleet, name: str, method: str) -> None:
    theirs, ours = await both(fleet, name, method)

    assert_alike(theirs, ours)
    assert ours.body == (CONTENT if method == "GET" else b"")


@pytest.mark.parametrize(
    "asked", ["bytes=0-0", "bytes=1-2999999", "bytes=1234567-2345678", "bytes=3000000-"]
)
async def test_a_part(fleet: Fleet, name: str, asked: str) -> None:
    theirs, ours = await both(fleet, name, Range=asked)

    assert_alike(theirs, ours)
    assert ours.status == 206


@pytest.mark.parametrize("asked", ["bytes=3000001-", "bytes=4-2", "x", "bytes=0-1,4-5", "bytes=-"])
async def test_a_part_that_is_not_there(fleet: Fleet, name: str, asked: str) -> None:
    assert_alike(*await both(fleet, name, Range=asked))


async def test_other_bytes_than_were_asked_for(fleet: Fleet, name: str) -> None:
    theirs, ours = await both(fleet, name, If_Match='"x"')

    assert (theirs.status, ours.status) == (412, 412)


async def test_what_is_not_there(fleet: Fleet, name: str) -> None:
    assert_alike(*await both(fleet, name, version="2"))


async def test_no_token(fleet: Fleet, name: str) -> None:
    path = f"/api/app-packages/{name}/1"
    async with gateway_of(fleet) as url:
        ours = await replace(fleet, url=url).ask("GET", path, token=None)
        wrong = await replace(fleet, url=url).ask("GET", path)
    theirs = await fleet.ask("GET", path, token=None)

    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert wrong.status == (await fleet.ask("GET", path, token="other")).status == 401
