"""kanade's own programs as parts, from the folder where `make kanade` puts them."""

import os
from collections.abc import Mapping
from pathlib import Path

from nats.aio.client import Client
from nats.errors import Error as NatsError

from reconciler.lab.http import ask
from reconciler.lab.part import Launch, Part

NEWEST = "0.101.0"
NATS_TOKEN = "lab-nats-token"
HTTP_TOKEN = "lab-http-token"


def binary(name: str, version: str = NEWEST) -> Path:
    """Return where a program of kanade is; it need not be there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "kanade-reconciler" / "kanade" / version / "bin" / name


class RealBackend(Part):
    """The real backend on a loopback port."""

    def __init__(
        self, folder: Path, nats_url: str, port: int, environment: Mapping[str, str]
    ) -> None:
        super().__init__("kanade-backend")
        self._folder = folder
        self._nats_url = nats_url
        self._port = port
        self._environment = environment

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def launch(self) -> Launch:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "backend.toml"
        config.write_text(
            f'[server]\nbind = "127.0.0.1:{self._port}"\n'
            f'[nats]\nurl = "{self._nats_url}"\n'
            f'[db]\nsqlite_path = "{self._folder}/backend.db"\n'
            f'[log]\npath = "{self._folder}/backend.log"\nlevel = "info"\n'
        )
        secrets = {"KANADE_NATS_TOKEN": NATS_TOKEN, "KANADE_AUTH_STATIC_TOKEN": HTTP_TOKEN}
        return Launch(
            argv=(str(binary("kanade-backend")), "--config", str(config)),
            environment={**self._environment, **secrets},
            log=self._folder / "backend.out",
        )

    async def answers(self) -> bool:
        answer = await ask(self._port, "/health")
        return answer is not None and answer.status == 200


class RealAgent(Part):
    """The real agent, as one host among several on this machine."""

    def __init__(
        self, host: str, folder: Path, client: Client, nats_url: str, environment: Mapping[str, str]
    ) -> None:
        super().__init__(f"kanade-agent {host}")
        self._host = host
        self._folder = folder
        self._client = client
        self._nats_url = nats_url
        self._environment = environment

    def launch(self) -> Launch:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "agent.toml"
        config.write_text(
            f'[agent]\nid = "{self._host}"\nnats_url = "{self._nats_url}"\n'
            f'[log]\npath = "{self._folder}/agent.log"\nlevel = "info"\n'
        )
        staging = self._folder / "staging"
        staging.mkdir(exist_ok=True)
        own = {
            "KANADE_NATS_TOKEN": NATS_TOKEN,
            "KANADE_AGENT_DATA_DIR": str(self._folder),
            "TMPDIR": str(staging),
        }
        return Launch(
            argv=(str(binary("kanade-agent")), "--config", str(config)),
            environment={**self._environment, **own},
            log=self._folder / "agent.out",
        )

    async def answers(self) -> bool:
        try:
            await self._client.request(f"agents.{self._host}.ping", b"", timeout=1)
        except (NatsError, TimeoutError):
            return False
        return True
