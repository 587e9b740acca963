"""A real nats-server on loopback, alone or as a node of a cluster."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nats
from nats.errors import Error as NatsError

from reconciler.lab.part import Launch, Part
from reconciler.lab.ports import LOOPBACK, free_port
from reconciler.lab.program import program_path

_GREETING_SECONDS = 1


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A node's place among others: `port` is its own for routes, `routes` has everybody's."""

    name: str
    port: int
    routes: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class NatsSettings:
    """The settings of a nats-server; all others are the server's defaults."""

    folder: Path
    port: int
    token: str | None = None
    max_file_store: str | None = None
    cluster: Cluster | None = None
    authorization: str | None = None
    """The text of an `authorization` or `accounts` block, in place of the token.

    Who brings no credential must be one of its users: the lab asks about JetStream like that.
    """


class NatsServer(Part):
    """The broker; every write is on disk before it is acknowledged."""

    def __init__(
        self,
        settings: NatsSettings,
        environment: Mapping[str, str] | None = None,
        name: str = "nats",
    ) -> None:
        super().__init__(name)
        self.settings = settings
        self._environment = environment if environment is not None else dict(os.environ)

    @property
    def url(self) -> str:
        """Where clients connect; without a credential."""
        return f"nats://{LOOPBACK}:{self.settings.port}"

    def launch(self) -> Launch:
        """Write the configuration and say how the server is started with it."""
        folder = self.settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "nats.conf"
        configuration.write_text(configuration_text(self.name, self.settings))
        configuration.chmod(0o600)
        return Launch(
            argv=(program_path("nats-server"), "-c", str(configuration)),
            environment=self._environment,
            log=folder / "nats.log",
        )

    async def answers(self) -> bool:
        """Return whether a client can connect and JetStream works."""
        if not await self._greets():
            return False
        try:
            client = await nats.connect(
                self.url,
                token=self.settings.token,
                allow_reconnect=False,
                connect_timeout=2,
                error_cb=_ignore,
            )
        except (NatsError, OSError):
            return False
        try:
            await client.jetstream().account_info()
        except NatsError:
            return False
        finally:
            await client.close()
        return True

    async def _greets(self) -> bool:
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.settings.port)
                try:
                    return (await reader.readline()).startswith(b"INFO ")
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False


async def _ignore(_: Exception) -> None:
    """Say nothing: a server that is still starting refuses."""


def configuration_text(name: str, settings: NatsSettings) -> str:
    """Return the server's configuration file."""
    store = json.dumps(str(settings.folder / "jetstream"))
    limit = f", max_file_store: {settings.max_file_store}" if settings.max_file_store else ""
    lines = [
        f"server_name: {name}",
        f"listen: {LOOPBACK}:{settings.port}",
        f"jetstream {{ store_dir: {store}, sync_interval: always{limit} }}",
    ]
    if settings.authorization is not None:
        lines.append(settings.authorization)
    elif settings.token is not None:
        lines.append(f"authorization {{ token: {json.dumps(settings.token)} }}")
    if settings.cluster is not None:
        routes = ", ".join(f"nats://{LOOPBACK}:{port}" for port in settings.cluster.routes)
        lines.append(
            f"cluster {{ name: {settings.cluster.name}, "
            f"listen: {LOOPBACK}:{settings.cluster.port}, routes: [{routes}] }}"
        )
    return "\n".join(lines) + "\n"


def cluster_of(
    size: int, settings: NatsSettings, environment: Mapping[str, str] | None = None
) -> list[NatsServer]:
    """Return the nodes of a new cluster that is otherwise as *settings* say, none started.

    None answers before most of them run: start them together.
    """
    routes = [free_port() for _ in range(size)]
    return [
        NatsServer(
            replace(
                settings,
                folder=settings.folder / f"node-{index}",
                port=free_port(),
                cluster=Cluster(name="lab", port=route, routes=routes),
            ),
            environment,
            name=f"nats-{index}",
        )
        for index, route in enumerate(routes, start=1)
    ]
