"""An operator's desk: settings, a repository, and a NATS account that is this test's alone."""

import asyncio
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.cli import links
from tests.source.repository import Repository
from tests.support import small_fleet
from tests.support.command_line import Done, call, execute
from tests.support.kanade_streams import make_kanade
from tests.support.nats import NatsProcess
from tests.support.processes import Terminal, started
from tests.support.streams import connected

Started = AbstractContextManager[subprocess.Popen[bytes]]

_SETTINGS = """\
[source]
url = "{repository}"

[nats]
url = "nats://{nats}"
{login}

[controller]
instance = "desk"
state_dir = "{folder}/state"

[secrets]
nats = {{ env = "DESK_PASSWORD" }}
tool-token = {{ env = "DESK_TOKEN" }}
"""


@dataclass(frozen=True, kw_only=True)
class Office:
    """A folder with settings, where commands are run."""

    folder: Path
    nats_url: str
    repository: Repository

    @property
    def config(self) -> Path:
        return self.folder / "reconciler.toml"

    def settle(self) -> None:
        """Write the settings, for the server that we are at."""
        parts = urlsplit(self.nats_url)
        login = f'user = "{parts.username}"\npassword = {{ secret = "nats" }}'
        self.config.write_text(
            _SETTINGS.format(
                repository=self.repository.path,
                nats=f"{parts.hostname}:{parts.port}",
                login=login if parts.username else "",
                folder=self.folder,
            )
        )

    def environment(self, **more: str) -> Mapping[str, str]:
        return {"DESK_PASSWORD": "test", "DESK_TOKEN": "viewer-7", "COLUMNS": "100", **more}

    def call(self, *arguments: str, given: str = "", **environment: str) -> Done:
        """Run a command in this process."""
        words = ("--config", str(self.config), *arguments)
        return call(*words, environment=self.environment(**environment), given=given)

    def execute(self, *arguments: str, **environment: str) -> Done:
        """Run a command as a process of its own."""
        words = ("--config", str(self.config), *arguments)
        return execute(*words, environment=self.environment(**environment))

    def started(self, *arguments: str, **environment: str) -> Started:
        """Run a command beside the test."""
        words = ("--config", str(self.config), *arguments)
        return started(words, self.environment(**environment))

    def terminal(self, words: str, **environment: str) -> Terminal:
        """Run a command on a terminal of its own."""
        return Terminal(
            ("--config", str(self.config), *words.split()), self.environment(**environment)
        )


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server listens where commands look for one, and none is waited for."""
    monkeypatch.setattr(links, "_CONNECT_WITHIN", timedelta(seconds=0.2))


@pytest.fixture
def office(tmp_path: Path, nats_account: str) -> Office:
    """A repository with one commit; NATS is empty, as without kanade."""
    repository = Repository.create(tmp_path / "fleet.git")
    repository.commit(small_fleet.files("1.0.0"), message="Ask for tool 1.0.0")
    office = Office(folder=tmp_path, nats_url=nats_account, repository=repository)
    office.settle()
    return office


@pytest.fixture
def kanade(office: Office) -> Office:
    """The same with kanade's buckets and streams; no agent answers."""
    make_kanade_at(office.nats_url)
    return office


@pytest.fixture
def apart(office: Office, own_server: NatsProcess) -> Office:
    """The same on a server of the test's own, which it may break."""
    make_kanade_at(own_server.url)
    moved = replace(office, nats_url=own_server.url)
    moved.settle()
    return moved


def make_kanade_at(url: str) -> None:
    async def make() -> None:
        async with connected(url) as connection:
            await make_kanade(connection)

    asyncio.run(make())
