"""A gateway over real HTTP, on packages in a real object store."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.upload import Target, upload
from reconciler.kanade.package_reader import PackageReader
from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import PackageName, ReleaseName, Version
from reconciler.model.secret import Secret
from reconciler.serve.gateway import Gateway, Limits
from tests.support.clock import FakeClock
from tests.support.content import MemoryContent
from tests.support.streams import connected, create_object_store

KEY = TokenKey(secret=Secret("k" * 32), epoch=timedelta(days=7))
PATIENT = Limits(downloads=2, patience=timedelta(minutes=1), stalled_after=timedelta(minutes=1))


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class Served:
    """A gateway, the store behind it, and whoever asks."""

    gateway: Gateway
    connection: Connection
    port: int
    clock: FakeClock = field(default_factory=FakeClock)

    async def publish(self, data: bytes, version: str = "1.0") -> str:
        """Store *data*, and return the token that grants its download."""
        digest = Digest.of(data)
        target = Target(bucket="app_packages", name=f"tool/{version}", digest=digest, replaces=0)
        await upload(self.connection, target, MemoryContent(data))
        return self.token(digest, version)

    def token(self, digest: Digest, version: str = "1.0") -> str:
        grant = DownloadGrant(ReleaseName("tool"), PackageName("tool"), Version(version), digest)
        return KEY.token(grant, self.clock.now())

    async def ask(
        self, token: str | None, version: str = "1.0", method: str = "GET", **headers: str
    ) -> Reply:
        """Ask for a version of the package, `If_Range` and its like spelled with a dash."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        url = f"http://127.0.0.1:{self.port}/api/app-packages/tool/{version}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=sent) as response,
        ):
            return Reply(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=await response.read(),
            )

    async def take(self, token: str, version: str) -> int:
        """Take a version of the package piece by piece, keep none, and return how many bytes."""
        url = f"http://127.0.0.1:{self.port}/api/app-packages/tool/{version}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers={"Authorization": f"Bearer {token}"}) as response,
        ):
            return sum([len(part) async for part in response.content.iter_any()])

    def begin(self, token: str) -> socket.socket:
        """Ask for the package, and take none of it."""
        client = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(
            f"GET /api/app-packages/tool/1.0 HTTP/1.1\r\nHost: here\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        return client


@asynccontextmanager
async def serving(connection: Connection) -> AsyncIterator[Served]:
    await create_object_store(connection, "app_packages")
    clock = FakeClock()
    gateway = Gateway(PackageReader(connection), lambda: KEY, clock, PATIENT)
    application = web.Application()
    application.add_routes(gateway.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        yield Served(gateway=gateway, connection=connection, port=port, clock=clock)
    finally:
        await runner.cleanup()


@pytest.fixture
async def served(nats_account: str) -> AsyncIterator[Served]:
    async with connected(nats_account) as connection, serving(connection) as made:
        yield made
