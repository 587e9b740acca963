"""The server: everything on one address, with a certificate of our own where there is one."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from reconciler.cli.endpoints import server_context
from reconciler.cli.settings import ServeTls
from reconciler.errors import UsageError
from reconciler.lab.ports import free_port
from reconciler.lab.waiting import until
from reconciler.model.digest import Digest
from reconciler.serve.server import Endpoints, serve
from tests.serve.conftest import Served
from tests.support.clock import FakeClock


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ServeTls:
    """A certificate that signed itself, for 127.0.0.1, and its key."""
    openssl = shutil.which("openssl")
    assert openssl is not None
    folder = tmp_path_factory.mktemp("tls")
    made = ServeTls(cert=folder / "cert.pem", key=folder / "key.pem")
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    make += f" -addext subjectAltName=IP:127.0.0.1 -keyout {made.key} -out {made.cert}"
    subprocess.run([openssl, *make.split()], check=True, capture_output=True)
    return made


@asynccontextmanager
async def opened(endpoints: Endpoints) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve(endpoints, lambda: None, FakeClock()))
        await until(lambda: listens(endpoints), "the server")
        yield
        task.cancel()


async def listens(endpoints: Endpoints) -> bool:
    try:
        _, writer = await asyncio.open_connection(endpoints.host, endpoints.port)
    except OSError:
        return False
    writer.close()
    return True


async def test_packages_and_health_are_behind_one_certificate(
    served: Served, files: ServeTls
) -> None:
    token = await served.publish(b"0123456789")
    tls = server_context(files)
    endpoints = Endpoints(host="127.0.0.1", port=free_port(), gateway=served.gateway, tls=tls)
    trusting = ssl.create_default_context(cafile=str(files.cert))
    address = f"https://127.0.0.1:{endpoints.port}"
    package = f"{address}/api/app-packages/tool/1.0"

    async with opened(endpoints), aiohttp.ClientSession() as session:
        async with session.get(f"{address}/healthz", ssl=trusting) as health:
            assert (health.status, await health.text()) == (200, "ok")
        bearer = {"Authorization": f"Bearer {token}"}
        async with session.get(package, headers=bearer, ssl=trusting) as reply:
            assert (reply.status, await reply.read()) == (200, b"0123456789")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{address}/healthz")


async def test_without_a_gateway_there_are_no_packages(served: Served) -> None:
    endpoints = Endpoints(host="127.0.0.1", port=free_port())
    bearer = {"Authorization": f"Bearer {served.token(Digest.of(b'x'))}"}
    url = f"http://127.0.0.1:{endpoints.port}/api/app-packages/tool/1.0"

    async with opened(endpoints), aiohttp.ClientSession() as session:
        async with session.get(url, headers=bearer) as reply:
            assert (reply.status, await reply.text()) == (404, "404: Not Found")
        async with session.get(f"http://127.0.0.1:{endpoints.port}/healthz") as health:
            assert health.status == 200


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, files: ServeTls) -> None:
    with pytest.raises(UsageError, match=r"serve\.tls: .*nobody\.pem with .*: No such file"):
        server_context(ServeTls(cert=tmp_path / "nobody.pem", key=files.key))
    with pytest.raises(UsageError, match=r"serve\.tls: .*key\.pem with "):
        server_context(ServeTls(cert=files.key, key=files.key))
