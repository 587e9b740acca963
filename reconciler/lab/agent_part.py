"""An agent process of the lab."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from reconciler.lab.agent.settings import AgentSettings
from reconciler.lab.part import Launch, Part

Ping = Callable[[str], Awaitable[bool]]


class AgentPart(Part):
    """Started, each of its hosts answers a ping and takes commands."""

    def __init__(
        self, name: str, folder: Path, settings: AgentSettings, environment: Mapping[str, str],
        ping: Ping,
    ) -> None:  # fmt: skip
        super().__init__(name)
        self.settings = settings
        self._folder = folder
        self._environment = environment
        self._ping = ping

    @property
    def hosts(self) -> list[str]:
        """The hosts that this process serves."""
        return [host.name for host in self.settings.hosts]

    def launch(self) -> Launch:
        """Write the settings and say how the process is started with them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / f"{self.name}.json"
        config.touch(mode=0o600)
        config.write_bytes(msgspec.json.encode(self.settings))
        return Launch(
            argv=(sys.executable, "-m", "reconciler.lab.agent", "--config", str(config)),
            environment=self._environment,
            log=self._folder / f"{self.name}.log",
        )

    async def answers(self) -> bool:
        """Return whether every host answers."""
        return all(await asyncio.gather(*(self._ping(host) for host in self.hosts)))
