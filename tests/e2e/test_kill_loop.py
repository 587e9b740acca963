"""The controller is killed again and again while versions are committed: each takes effect once."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from reconciler.cli.demo.process import desk_of
from reconciler.cli.demo.repository import Repository
from reconciler.cli.desk import Desk
from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from reconciler.model.plan import State
from tests.support.reliability import report

pytestmark = pytest.mark.slow

HOSTS = ["backend-01", "backend-02"]
LIVES, VERSIONS = 30, 20
_SETTINGS = """\
[source]
url = "{repository}"
folder = "desired-state"

[nats]
url = "{nats}"

[backend]
url = "{backend}"
token = {{ secret = "token" }}

[controller]
mode = "{mode}"
instance = "test"
state_dir = "{folder}/state"
artifact_roots = ["{folder}"]
dispatch_deadline = "1m"
lab = true

[secrets]
token = {{ env = "TEST_TOKEN" }}
backend-token = {{ env = "TEST_TOKEN" }}

[log]
format = "json"
"""


class Life:
    """A controller that is started, and killed at a random instant."""

    def __init__(self, config: Path, log: Path) -> None:
        self.config = config
        self.log = log
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as stream:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "reconciler", "--config", str(self.config), "run",
                stdin=asyncio.subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip
        return self.process

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


def _effects(file: Path) -> Counter[tuple[str, str]]:
    """Count the swaps, by host and version."""
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter((host, version) for host, version in (line.split() for line in lines))


def _all_run(desk: Desk, version: str) -> bool:
    hosts = [
        (item.host, item.state, item.running, item.wanted)
        for item in desk.board.read().hosts.values()
    ]
    return sorted(hosts) == [(host, State.CONVERGED, version, version) for host in HOSTS]


@asynccontextmanager
async def _playground(folder: Path, mode: str) -> AsyncIterator[tuple[Lab, Repository, Path]]:
    """Give a fleet, a repository and the settings of a controller."""
    options = LabOptions(heartbeat_seconds=1, drain_seconds=0.2)
    async with Lab(folder / "fleet", HOSTS, build_service("1.0.0"), options) as lab:
        repository = Repository(folder / "repository", folder / "builds")
        repository.create(HOSTS, lab.backend_url)
        repository.bump("1.0.0", build_service("1.0.0"), "Begin")
        config = folder / "reconciler.toml"
        config.write_text(
            _SETTINGS.format(
                repository=repository.folder,
                nats=lab.nats_url,
                backend=lab.backend_url,
                mode=mode,
                folder=folder,
            )
        )
        yield lab, repository, config


async def _live_and_die(life: Life, repository: Repository) -> str:
    """Start and kill the controller, with a commit before most deaths; return the last version."""
    chance = random.Random(20261123)
    version, commits = "1.0.0", 0
    for number in range(LIVES):
        await life.start()
        if commits < VERSIONS and number % 3 != 2:
            commits += 1
            version = f"1.0.{commits}"
            repository.bump(version, build_service(version), f"Bump to {version}")
        await asyncio.sleep(chance.uniform(0.2, 3.0))
        await life.kill()
    assert commits == VERSIONS
    return version


async def _live_on(life: Life, version: str) -> None:
    """Start the controller for good, and end it in order when all hosts run *version*."""
    process = await life.start()
    async with desk_of(life.config, process) as desk:
        deadline = time.monotonic() + 120
        while not _all_run(desk, version):
            assert time.monotonic() < deadline, desk.board.read().hosts
            await asyncio.sleep(0.1)
    process.terminate()
    assert await process.wait() == 0


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_thirty_lives_and_twenty_versions(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most one effect for any wish, and exactly one on each host for the last version."""
    effects = tmp_path / "effects"
    hook = f'if [ "$1" = swapped ]; then echo "$KANADE_LAB_HOST $2" >> "{effects}"; fi'
    monkeypatch.setitem(os.environ, "KANADE_DEPLOY_HOOK", hook)
    monkeypatch.setitem(os.environ, "STABLE_SECONDS", "1")
    async with _playground(tmp_path, mode) as (lab, repository, config):
        monkeypatch.setitem(os.environ, "TEST_TOKEN", lab.token)
        life = Life(config, tmp_path / "controller.log")
        version = await _live_and_die(life, repository)
        await _live_on(life, version)
        for host in HOSTS:
            running = await lab.running(host)
            assert running is not None
            assert running.version == version
    counted = _effects(effects)
    last = [counted[host, version] for host in HOSTS]
    report(
        kills=LIVES,
        max_effects_per_wish=max(counted.values()),
        effects_of_last_version=sum(last),
        versions_of_kill_loop=VERSIONS,
    )
    assert last == [1, 1], counted
    assert max(counted.values()) == 1, counted
