"""A real supervisord with room for a number of hosts' services, one a test."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

BIN = Path(sys.executable).parent
_CONFIGURATION = """\
[unix_http_server]
file={folder}/sock
[supervisord]
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
minfds=64
nodaemon=true
silent=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/sock
"""
_PROGRAM = """\
[program:{name}]
command="{program}"
environment=KANADE_SERVICE_PORT="{port}",KANADE_AGENT_DATA_DIR="{state}"
autostart=false
startsecs={start_seconds}
redirect_stderr={one_log}
stderr_logfile={folder}/{name}.log
stdout_logfile={folder}/{name}.out
"""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A program that supervisord knows."""

    name: str
    program: Path
    port: int
    state: Path
    start_seconds: int
    one_log: bool
    """Both of its outputs go to the same log."""


class Methods(Protocol):
    """The part of supervisor's XML-RPC that is used here."""

    def startProcess(self, name: str) -> bool: ...  # noqa: N802 - supervisor's own name
    def stopProcess(self, name: str) -> bool: ...  # noqa: N802 - supervisor's own name
    def getProcessInfo(self, name: str) -> dict[str, object]: ...  # noqa: N802 - supervisor's own


@dataclass(frozen=True)
class Supervisor:
    """A running supervisord."""

    configuration: Path

    def start(self, service: Service) -> None:
        """Start the service; whether it stays up is another question."""
        with contextlib.suppress(Fault), self._methods() as methods:
            methods.startProcess(service.name)

    def stop(self, service: Service) -> None:
        """Stop the service for good, even one that ends and is started again all the time."""
        with self._methods() as methods:
            while self.state(service) not in {"STOPPED", "FATAL"}:
                with contextlib.suppress(Fault):
                    methods.stopProcess(service.name)

    def state(self, service: Service) -> str:
        """Return supervisord's word for what the service does."""
        with self._methods() as methods:
            return str(methods.getProcessInfo(service.name)["statename"])

    def pid(self, service: Service) -> int:
        """Return the service's process id, 0 when there is none."""
        with self._methods() as methods:
            return int(str(methods.getProcessInfo(service.name)["pid"]))

    @contextlib.contextmanager
    def _methods(self) -> Iterator[Methods]:
        transport = SupervisorTransport(None, None, f"unix://{self.configuration.parent}/sock")
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            yield cast("Methods", proxy.supervisor)


@contextlib.contextmanager
def supervised(folder: Path, services: list[Service]) -> Iterator[Supervisor]:
    """Run a supervisord for *services*, none of them started; *folder* has a short path."""
    configuration = folder / "supervisord.conf"
    programs = [_PROGRAM.format(folder=folder, **vars(service)) for service in services]
    configuration.write_text(_CONFIGURATION.format(folder=folder) + "".join(programs))
    process = subprocess.Popen([BIN / "supervisord", "-c", configuration])
    try:
        _await_socket(folder / "sock", process)
        yield Supervisor(configuration)
    finally:
        process.terminate()
        process.wait(60)


def _await_socket(path: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not _listens(path):
        assert process.poll() is None, "supervisord ended at once"
        assert time.monotonic() < deadline, "supervisord did not come up"
        time.sleep(0.01)


def _listens(path: Path) -> bool:
    # The file is there a moment before anybody listens on it.
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0
