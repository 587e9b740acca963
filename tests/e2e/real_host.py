"""A real host: the real backend 0.100.0 under supervisor, and the real agent beside it."""

import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nats

from reconciler.lab.host import base_environment, image_sha256
from reconciler.lab.http import ask
from reconciler.lab.keeper import MARK, kept
from reconciler.lab.nats_server import NatsServer, NatsSettings
from reconciler.lab.part import Launch, Part
from reconciler.lab.ports import free_port
from reconciler.lab.program import program_path
from reconciler.lab.waiting import until
from tests.contract.real_kanade import HTTP_TOKEN, NATS_TOKEN, RealAgent, binary

HOST = "backend-01"
BEFORE, AFTER = "0.100.0", "0.101.0"


class Supervised(Part):
    """supervisord, which keeps the real backend."""

    def __init__(
        self, home: Path, nats_url: str, port: int, environment: Mapping[str, str]
    ) -> None:
        super().__init__("supervisord")
        self.home = home
        self.port = port
        self._nats_url = nats_url
        self._environment = environment

    @property
    def config(self) -> Path:
        return self.home / "supervisord.conf"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        (self.home / "bin").mkdir(parents=True, exist_ok=True)
        target = self.home / "bin" / "kanade-backend"
        if not target.exists():
            shutil.copy2(binary("kanade-backend", BEFORE), target)
        settings = self.home / "backend.toml"
        settings.write_text(
            f'[server]\nbind = "127.0.0.1:{self.port}"\n'
            f'[nats]\nurl = "{self._nats_url}"\n'
            f'[db]\nsqlite_path = "{self.home}/backend.db"\n'
            f'[log]\npath = "{self.home}/backend.log"\nlevel = "info"\n'
        )
        self.config.write_text(
            f"[unix_http_server]\nfile = {self.home}/s.sock\n"
            f"[supervisorctl]\nserverurl = unix://{self.home}/s.sock\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = "
            "supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisord]\nnodaemon = true\nminfds = 256\nlogfile = {self.home}/supervisord.log\n"
            f"pidfile = {self.home}/supervisord.pid\n"
            "[program:kanade-backend]\n"
            f"command = {target} --config {settings}\n"
            f'environment = KANADE_NATS_TOKEN="{NATS_TOKEN}",'
            f'KANADE_AUTH_STATIC_TOKEN="{HTTP_TOKEN}",'
            f'KANADE_BACKEND_DATA_DIR="{self.home}/data"\n'
            f"stdout_logfile = {self.home}/backend.out\nredirect_stderr = true\n"
            "autorestart = true\nstartsecs = 1\nstopwaitsecs = 30\n"
        )
        return Launch(
            argv=(program_path("supervisord"), "-c", str(self.config)),
            environment=self._environment,
            log=self.home / "supervisord.out",
        )

    async def answers(self) -> bool:
        answer = await ask(self.port, "/health")
        return answer is not None and answer.status == 200


@dataclass(frozen=True, kw_only=True)
class RealHost:
    """What a test looks at."""

    nats: NatsServer
    backend: Supervised
    agent: RealAgent
    token: str = HTTP_TOKEN
    nats_token: str = NATS_TOKEN

    async def version(self) -> str | None:
        """Return what the running backend calls itself; `None` while it does not answer."""
        answer = await ask(self.backend.port, "/api/version")
        return None if answer is None else str(answer.body.decode())

    def image(self, pid: int) -> str | None:
        """Return the digest of the bytes that a process runs."""
        return image_sha256(pid, self.backend.home / "bin" / "kanade-backend")


@asynccontextmanager
async def real_host(folder: Path) -> AsyncIterator[RealHost]:
    """Start NATS, the old backend and the agent, each of them real."""
    folder.mkdir(parents=True, exist_ok=True)
    identity = secrets.token_hex(8)
    environment = base_environment({MARK: identity})
    broker = NatsServer(
        NatsSettings(folder=folder / "nats", port=free_port(), token=NATS_TOKEN), environment
    )
    home = folder / "host"
    backend = Supervised(home, broker.url, free_port(), environment)
    scripts = {
        "KANADE_BACKEND_HOME": str(home),
        "KANADE_BACKEND_URL": backend.url,
        "KANADE_BACKEND_DATA_DIR": str(home / "data"),
        "SUPERVISOR_CONFIG": str(backend.config),
        "STABLE_SECONDS": "2",
    }
    async with kept(identity):
        try:
            await broker.start()
            await backend.start()
            client = await nats.connect(broker.url, token=NATS_TOKEN)
            agent = RealAgent(
                HOST, folder / "agent", client, broker.url, {**environment, **scripts}
            )
            await agent.start()
            await until(backend.answers, "the old backend")
            yield RealHost(nats=broker, backend=backend, agent=agent)
            await client.close()
        finally:
            for part in (backend, broker):
                await part.kill()
