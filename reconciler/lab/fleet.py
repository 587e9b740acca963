"""The whole embedded fleet: a broker, a backend, agents, and a supervised service a host."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from nats.aio.client import Client
from nats.errors import Error as NatsError

from reconciler.lab import names, wire
from reconciler.lab.agent.settings import AgentSettings, HostSettings
from reconciler.lab.agent_part import AgentPart
from reconciler.lab.backend.settings import BackendSettings
from reconciler.lab.backend_part import BackendPart
from reconciler.lab.connection import connect
from reconciler.lab.host import LabHost, base_environment, image_sha256, script_environment
from reconciler.lab.http import ask
from reconciler.lab.keeper import MARK, kept
from reconciler.lab.nats_server import NatsServer, NatsSettings, cluster_of
from reconciler.lab.ports import free_port
from reconciler.lab.supervisor import Supervisor
from reconciler.lab.waiting import until

_PING_SECONDS = 1
_REPLICAS = 3
_OK = 200


class Running(NamedTuple):
    """What a host's service says of itself."""

    version: str
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class LabOptions:
    """How a lab differs from kanade's defaults, mostly in patience."""

    token: str | None = None
    """The bearer token of the HTTP API; a random one when not said."""
    nats_token: str | None = None
    nats_authorization: str | None = None
    """A block of users in place of the token; who brings no credential must be one of them."""
    max_file_store: str | None = None
    nats_nodes: int = 1
    """With three or more, a cluster on which every stream has three replicas."""
    hosts_per_agent: int = 1
    agent_version: str = "0.101.0"
    ledger: Literal["durable", "memory"] = "durable"
    silent_skips: bool = False
    signed_only: bool = False
    """Agents refuse every command, as they do at kanade where they take signed ones only."""
    local_limit: int | None = None
    heartbeat_seconds: float = 30
    drain_seconds: float = 1
    reap_slack_seconds: float = 120
    reap_every_seconds: float = 1


class Lab:
    """An embedded fleet, in force while the context lasts; nothing of it outlives the process."""

    def __init__(
        self, folder: Path, hosts: Sequence[str], service: bytes, options: LabOptions | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.options = options if options is not None else LabOptions()
        self.token = self.options.token or secrets.token_urlsafe(24)
        self.hosts = {
            name: LabHost(name=name, home=self.folder / "hosts" / name, port=free_port())
            for name in hosts
        }
        self._service = service
        self._id = secrets.token_hex(8)
        self._environment = base_environment({MARK: self._id})
        self._stack = contextlib.AsyncExitStack()
        self._client: Client | None = None
        self.nats_nodes = self._make_nats()
        self.nats = self.nats_nodes[0]
        self.backend = self._make_backend()
        self.supervisor = Supervisor(self.folder, list(self.hosts.values()), self._environment)
        self.agent_parts = self._make_agents()
        self.agents = {host: part for part in self.agent_parts for host in part.hosts}

    @property
    def nats_url(self) -> str:
        """Where the broker is."""
        return self.nats.url

    @property
    def nats_urls(self) -> list[str]:
        """Where all nodes of the broker are."""
        return [node.url for node in self.nats_nodes]

    @property
    def backend_url(self) -> str:
        """Where the HTTP API is."""
        return self.backend.url

    async def __aenter__(self) -> Self:
        """Start everything; return once every part answers.

        Raises:
            LabFailed: a part did not come up.
        """
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        await self._stop()

    def environment(self, host: str) -> dict[str, str]:
        """Return the environment that scripts on *host* get."""
        own = script_environment(self.hosts[host], self.supervisor.config)
        return self._environment | own

    async def running(self, host: str) -> Running | None:
        """Return what *host* runs, by its service's answer and its process's image.

        `None` when the service does not answer; the digest is `None` where it cannot be seen.
        """
        here = self.hosts[host]
        pid = await self.supervisor.service_pid(host)
        answer = await ask(here.port, "/api/version")
        if answer is None or answer.status != _OK or pid is None:
            return None
        said = wire.document(answer.body)
        return Running(str(said["version"]), image_sha256(pid, here.binary))

    async def _start(self) -> None:
        await self._stack.enter_async_context(kept(self._id))
        for host in self.hosts.values():
            host.install(self._service)
        await asyncio.gather(*(node.start() for node in self.nats_nodes))
        self._client = await connect(self.nats_urls, self.options.nats_token, "lab", quiet=True)
        self._stack.push_async_callback(self._client.close)
        await self.supervisor.spawn()
        # A host that beats before the backend listens is unknown to it until the next beat.
        await self.backend.start()
        await asyncio.gather(*(part.spawn() for part in self.agent_parts))
        services = (until(self._serves(host), f"the service of {host}") for host in self.hosts)
        parts = (self.supervisor, *self.agent_parts)
        await asyncio.gather(*(part.ready() for part in parts), *services)

    def _serves(self, host: str) -> Callable[[], Awaitable[bool]]:
        async def healthy() -> bool:
            answer = await ask(self.hosts[host].port, "/health")
            return answer is not None and answer.status == _OK

        return healthy

    async def _ping(self, host: str) -> bool:
        if self._client is None:
            return False
        try:
            await self._client.request(names.ping(host), b"", timeout=_PING_SECONDS)
        except (NatsError, TimeoutError):
            return False
        return True

    def _make_nats(self) -> list[NatsServer]:
        settings = NatsSettings(
            folder=self.folder / "nats",
            port=free_port(),
            token=self.options.nats_token,
            max_file_store=self.options.max_file_store,
            authorization=self.options.nats_authorization,
        )
        if self.options.nats_nodes == 1:
            return [NatsServer(settings, self._environment)]
        return cluster_of(self.options.nats_nodes, settings, self._environment)

    def _make_backend(self) -> BackendPart:
        settings = BackendSettings(
            nats_urls=self.nats_urls,
            nats_token=self.options.nats_token,
            port=free_port(),
            token=self.token,
            folder=str(self.folder / "backend"),
            replicas=min(len(self.nats_nodes), _REPLICAS),
            reap_slack_seconds=self.options.reap_slack_seconds,
            reap_every_seconds=self.options.reap_every_seconds,
        )
        return BackendPart(settings, self._environment)

    def _make_agents(self) -> list[AgentPart]:
        hosts = list(self.hosts.values())
        size = self.options.hosts_per_agent
        shares = [hosts[start : start + size] for start in range(0, len(hosts), size)]
        return [self._make_agent(index, share) for index, share in enumerate(shares, start=1)]

    def _make_agent(self, index: int, hosts: list[LabHost]) -> AgentPart:
        settings = AgentSettings(
            nats_urls=self.nats_urls,
            nats_token=self.options.nats_token,
            agent_version=self.options.agent_version,
            heartbeat_seconds=self.options.heartbeat_seconds,
            drain_seconds=self.options.drain_seconds,
            ledger=self.options.ledger,
            silent_skips=self.options.silent_skips,
            signed_only=self.options.signed_only,
            local_limit=self.options.local_limit,
            hosts=[
                HostSettings(
                    name=host.name,
                    folder=str(host.agent_folder),
                    environment=script_environment(host, self.supervisor.config),
                )
                for host in hosts
            ],
        )
        name = f"agent-{index}"
        return AgentPart(name, self.folder / "agents", settings, self._environment, self._ping)

    async def _stop(self) -> None:
        for part in self.agent_parts:
            await part.kill()
        parts = (self.backend, self.supervisor, *self.nats_nodes)
        await asyncio.gather(*(part.kill() for part in parts))
        await self._stack.aclose()
