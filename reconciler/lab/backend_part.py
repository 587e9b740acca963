"""The lab's backend as a process."""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.lab.backend.settings import BackendSettings
from reconciler.lab.http import ask
from reconciler.lab.part import Launch, Part
from reconciler.lab.ports import LOOPBACK

_OK = 200


class BackendPart(Part):
    """Started, it has created every stream and answers on its port."""

    def __init__(self, settings: BackendSettings, environment: Mapping[str, str]) -> None:
        super().__init__("kanade-backend")
        self.settings = settings
        self._environment = environment

    @property
    def url(self) -> str:
        """Where the HTTP API is."""
        return f"http://{LOOPBACK}:{self.settings.port}"

    def launch(self) -> Launch:
        """Write the settings and say how the process is started with them."""
        folder = Path(self.settings.folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "backend.json"
        config.touch(mode=0o600)
        config.write_bytes(msgspec.json.encode(self.settings))
        return Launch(
            argv=(sys.executable, "-m", "reconciler.lab.backend", "--config", str(config)),
            environment=self._environment,
            log=folder / "backend.log",
        )

    async def answers(self) -> bool:
        """Return whether the API is served."""
        answer = await ask(self.settings.port, "/health")
        return answer is not None and answer.status == _OK
