"""The same on the real kanade: its backend never starts again, and the way back still works."""

import os
from pathlib import Path

import pytest

from reconciler.cli.demo.process import client_of, controller_process
from reconciler.cli.demo.repository import Repository
from reconciler.lab.ports import free_port
from tests.contract.real_kanade import binary
from tests.e2e.gateway import (
    GATEWAY_KEY,
    NOTHING_TO_PUT_BACK,
    download_from_gateway,
    gateway_settings,
    go_back,
    has_failed,
    is_back,
)
from tests.e2e.real_host import AFTER, BEFORE, HOST, real_host
from tests.e2e.test_real_update import SETTINGS, runs, until

pytestmark = pytest.mark.kanade

BROKEN = f"""\
#!/bin/sh
if [ "$1" = --version ]; then echo "kanade-backend {AFTER}"; exit 0; fi
if [ "$1" = --help ]; then exit 0; fi
echo "kanade-backend {AFTER} cannot start" >&2
exit 1
"""


@pytest.mark.parametrize("on_failure", ["rollback", "hold"])
async def test_the_real_backend_goes_back_by_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_failure: str
) -> None:
    """The service that is replaced is the one that serves downloads, and it stays down."""
    port = free_port()
    monkeypatch.setitem(os.environ, "TEST_GATEWAY_KEY", GATEWAY_KEY)
    monkeypatch.setitem(os.environ, "KANADE_DEPLOY_HOOK", NOTHING_TO_PUT_BACK)
    old = binary("kanade-backend", BEFORE).read_bytes()
    async with real_host(tmp_path / "fleet") as host:
        monkeypatch.setitem(os.environ, "TEST_NATS_TOKEN", host.nats_token)
        monkeypatch.setitem(os.environ, "TEST_HTTP_TOKEN", host.token)
        repository = Repository(tmp_path / "repository", tmp_path / "builds")
        repository.create([HOST], host.backend.url)
        download_from_gateway(repository, port, on_failure)
        repository.bump(BEFORE, old, "Run what is there")
        config, log = tmp_path / "reconciler.toml", tmp_path / "controller.log"
        settings = SETTINGS.format(
            repository=repository.folder,
            nats=host.nats.url,
            backend=host.backend.url,
            mode="nats",
            state=tmp_path / "state",
            folder=tmp_path,
        )
        config.write_text(settings + gateway_settings(port))
        async with controller_process(config, log) as process, client_of(config, process) as client:
            await until(lambda: runs(client, BEFORE), "the old version is proved", process, log)

            repository.bump(AFTER, BROKEN.encode(), f"Bump to {AFTER}")
            if on_failure == "hold":
                failed = "the new version has failed"
                await until(lambda: has_failed(client.board.read()), failed, process, log)
                assert await host.version() is None
                go_back(repository, BEFORE, old)
                await until(lambda: runs(client, BEFORE), "the old version is back", process, log)
            else:
                back = "the old version is back by itself"
                await until(lambda: is_back(client.board.read(), BEFORE), back, process, log)
            assert await host.version() == f'{{"version":"{BEFORE}"}}'
        assert "exec-job/install-kanade-backend/0.100.0" in log.read_text()
