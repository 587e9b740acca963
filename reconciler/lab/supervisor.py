"""A real supervisord that keeps one service a host, as systemd would on a host of its own."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from xmlrpc.client import Fault, ServerProxy

from reconciler.lab.host import LabHost
from reconciler.lab.http import ask
from reconciler.lab.part import Launch, Part
from reconciler.lab.ports import LOOPBACK, free_port
from reconciler.lab.program import program_path

_UNAUTHORIZED = 401
_RPC = "supervisor.rpcinterface:make_main_rpcinterface"
_DAEMON = """\
[supervisord]
nodaemon = true
silent = true
minfds = 64
logfile = {folder}/supervisord.log
pidfile = {folder}/supervisord.pid
childlogdir = {folder}
"""


class Supervisor(Part):
    """Starts the hosts' services and starts them again when they end."""

    def __init__(
        self, folder: Path, hosts: Sequence[LabHost], environment: Mapping[str, str]
    ) -> None:
        super().__init__("supervisord")
        self.config = folder / "supervisord.conf"
        self._folder = folder
        self._hosts = hosts
        self._environment = environment
        self._port = free_port()
        self._password = secrets.token_hex(16)

    def launch(self) -> Launch:
        """Write the configuration and say how the daemon is started with it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.config.touch(mode=0o600)
        self.config.write_text(self._text())
        return Launch(
            argv=(program_path("supervisord"), "-c", str(self.config)),
            environment=self._environment,
            log=self._folder / "supervisord.out",
        )

    async def answers(self) -> bool:
        """Return whether the daemon takes requests."""
        answer = await ask(self._port, "/RPC2")
        return answer is not None and answer.status == _UNAUTHORIZED

    async def service_pid(self, program: str) -> int | None:
        """Return the process id of a host's service; `None` while it does not run."""
        try:
            said = await asyncio.to_thread(self._process_info, program)
        except (OSError, Fault):
            return None
        pid = said["pid"] if isinstance(said, dict) else 0
        return pid if isinstance(pid, int) and pid else None

    def _process_info(self, program: str) -> object:
        with ServerProxy(f"http://lab:{self._password}@{LOOPBACK}:{self._port}/RPC2") as proxy:
            return proxy.supervisor.getProcessInfo(program)

    def _text(self) -> str:
        access = f"username = lab\npassword = {self._password}\n"
        sections = [
            f"[inet_http_server]\nport = {LOOPBACK}:{self._port}\n{access}",
            f"[supervisorctl]\nserverurl = http://{LOOPBACK}:{self._port}\n{access}",
            f"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = {_RPC}\n",
            _DAEMON.format(folder=_escaped(self._folder)),
            *(_program(host) for host in self._hosts),
        ]
        return "\n".join(sections)


def _program(host: LabHost) -> str:
    named = {
        "KANADE_LAB_HOST": host.name,
        "KANADE_SERVICE_PORT": str(host.port),
        "KANADE_BACKEND_HOME": _escaped(host.home),
        "KANADE_AGENT_DATA_DIR": _escaped(host.home / "data"),
    }
    environment = ",".join(f'{name}="{value}"' for name, value in named.items())
    return (
        f"[program:{host.name}]\n"
        f"command = {_escaped(host.binary)}\n"
        f"directory = {_escaped(host.home)}\n"
        f"environment = {environment}\n"
        f"stdout_logfile = {_escaped(host.home / 'service.log')}\n"
        "redirect_stderr = true\n"
        "autorestart = true\nstartsecs = 1\nstartretries = 3\n"
        "stopwaitsecs = 5\nstopasgroup = true\nkillasgroup = true\n"
    )


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
