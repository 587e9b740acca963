"""Artifacts over TLS: whom to trust, and that nobody leads out of it."""

import shutil
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from reconciler.errors import ArtifactRefused, ArtifactUnavailable
from tests.source.test_download import BYTES, downloader, fetched, serving, whole


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and the certificate that it signed itself, for 127.0.0.1."""
    openssl = shutil.which("openssl")
    assert openssl is not None
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    make += f" -addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {path.with_suffix('.crt')}"
    subprocess.run([openssl, *make.split()], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


async def test_over_tls_a_certificate_has_to_be_trusted(tmp_path: Path, certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = replace(downloader, tls=ssl.create_default_context(cafile=str(certificate)))

    async with serving(whole, server) as address:
        assert await fetched(address, tmp_path, by=trusting) == BYTES
        with pytest.raises(ArtifactUnavailable, match=r"no answer: .*certificate"):
            await fetched(address, tmp_path)


async def test_over_tls_no_redirect_leads_out_of_it(tmp_path: Path, certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = replace(downloader, tls=ssl.create_default_context(cafile=str(certificate)))

    async with serving(whole) as plain:

        async def redirect(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": plain})

        async with serving(redirect, server) as address:
            with pytest.raises(ArtifactRefused) as caught:
                await fetched(address, tmp_path, by=trusting)

    assert str(caught.value) == (
        f"{address}: redirect to {plain} refused: https only, also where it leads to"
    )
