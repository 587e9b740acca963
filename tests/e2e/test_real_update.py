"""The whole way on the real kanade: a commit updates the real backend, over both paths."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli.demo.process import client_of, controller_process
from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.status_client import StatusClient
from reconciler.model.plan import State
from tests.contract.real_kanade import binary
from tests.e2e.real_host import AFTER, BEFORE, HOST, RealHost, real_host

pytestmark = pytest.mark.kanade

SETTINGS = """\
[source]
url = "{repository}"
folder = "desired-state"

[nats]
url = "{nats}"
token = {{ secret = "nats" }}

[backend]
url = "{backend}"
token = {{ secret = "controller" }}

[controller]
mode = "{mode}"
instance = "test"
state_dir = "{state}"
artifact_roots = ["{folder}"]
lab = true

[secrets]
nats = {{ env = "TEST_NATS_TOKEN" }}
controller = {{ env = "TEST_HTTP_TOKEN" }}
backend-token = {{ env = "TEST_HTTP_TOKEN" }}

[log]
format = "json"
"""


async def until(
    true: Callable[[], bool], what: str, process: asyncio.subprocess.Process, log: Path
) -> None:
    deadline = time.monotonic() + 120
    while not true():
        tail = "\n".join(log.read_text().splitlines()[-12:])
        assert process.returncode is None, f"the controller ended before {what}\n{tail}"
        assert time.monotonic() < deadline, f"in vain: {what}\n{tail}"
        await asyncio.sleep(0.05)


def runs(client: StatusClient, version: str) -> bool:
    hosts = list(client.board.read().hosts.values())
    return [(State.CONVERGED, version, version)] == [
        (State(item.state), item.running, item.wanted) for item in hosts
    ]


async def _commit_to_proof(host: RealHost, folder: Path, mode: str) -> list[str]:
    """Update the host by a commit, and return the steps that the controller has done."""
    repository = Repository(folder / "repository", folder / "builds")
    repository.create([HOST], host.backend.url)
    old, new = (binary("kanade-backend", version) for version in (BEFORE, AFTER))
    repository.bump(BEFORE, old.read_bytes(), "Run what is there")
    config, log = folder / "reconciler.toml", folder / "controller.log"
    config.write_text(
        SETTINGS.format(
            repository=repository.folder,
            nats=host.nats.url,
            backend=host.backend.url,
            mode=mode,
            state=folder / "state",
            folder=folder,
        )
    )
    async with controller_process(config, log) as process, client_of(config, process) as client:
        await until(lambda: runs(client, BEFORE), "the old version is proved", process, log)
        assert "exec-job" not in log.read_text(), "nothing may be installed to find that out"
        repository.bump(AFTER, new.read_bytes(), f"Bump {RELEASE} to {AFTER}")
        await until(lambda: runs(client, AFTER), "the new version is proved", process, log)
        status = next(iter(client.board.read().hosts.values()))
        assert f'{{"version":"{AFTER}"}}' == await host.version()
        assert status.sha256 == repository.digest
        assert f"{RELEASE} {AFTER}" == status.last_line
        assert status.exit_code == 0
    assert process.returncode == 0, "SIGTERM ends it in order"
    return [line for line in log.read_text().splitlines() if "step done" in line]


@pytest.mark.parametrize("mode", ["backend", "nats"])
async def test_a_commit_updates_the_real_backend(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that serves HTTP is the one that is swapped."""
    async with real_host(tmp_path / "fleet") as host:
        monkeypatch.setitem(os.environ, "TEST_NATS_TOKEN", host.nats_token)
        monkeypatch.setitem(os.environ, "TEST_HTTP_TOKEN", host.token)

        steps = await _commit_to_proof(host, tmp_path, mode)

    assert sum("exec-job/install" in step for step in steps) == 1, steps
