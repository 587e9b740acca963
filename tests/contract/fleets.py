"""A fleet as its clients see it: NATS, HTTP, and agents that can be killed."""

import asyncio
import contextlib
import io
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from reconciler.lab import wire
from reconciler.lab.agent.log import LOG_FILE
from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.host import base_environment
from reconciler.lab.keeper import MARK, kept
from reconciler.lab.nats_server import NatsServer, NatsSettings
from reconciler.lab.part import Part
from reconciler.lab.ports import free_port
from reconciler.lab.service import build_service
from tests.contract.real_kanade import HTTP_TOKEN, NATS_TOKEN, RealAgent, RealBackend
from tests.support.nats_users import authorization, violations

HOST, SPARE = "backend-01", "backend-02"
LOCAL_LIMIT = 2
"""How many scripts a host runs at once, in both fleets."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the backend answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> wire.Json:
        return wire.decode(self.body)

    @property
    def document(self) -> wire.Document:
        return wire.document(self.body)

    @property
    def rows(self) -> list[wire.Document]:
        listed = self.json
        assert isinstance(listed, list), self.text
        return [row for row in listed if isinstance(row, dict)]


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What the contract speaks of; `agents` has one process a host."""

    url: str
    token: str
    client: Client
    session: aiohttp.ClientSession
    agents: Mapping[str, Part]
    folder: Path
    logs: Mapping[str, Path]
    """Where an agent is told to write its log; the real one puts the day into the name."""
    roles: bool = False
    """NATS has a user for each role."""

    @property
    def jetstream(self) -> JetStreamContext:
        return self.client.jetstream(timeout=60)

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | io.BytesIO | aiohttp.MultipartWriter | None = None,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "",
    ) -> Reply:
        """Send a request with the fleet's token, another one, or (`None`) none at all."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        if kind is not None:
            sent["Content-Type"] = kind
        skipped = {"Content-Type"} if kind is None else set()
        async with self.session.request(
            method, self.url + path, data=body, headers=sent, skip_auto_headers=skipped
        ) as response:
            content = await response.read()
            found = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=response.status, headers=found, body=content)

    async def post(self, path: str, document: wire.Document) -> Reply:
        return await self.ask("POST", path, wire.encode(document), kind="application/json")

    def scratch(self) -> Path:
        """Return a path that nothing is at yet."""
        return self.folder / secrets.token_hex(6)

    async def value(self, bucket: str, key: str) -> bytes:
        message = await self.jetstream.get_last_msg(f"KV_{bucket}", f"$KV.{bucket}.{key}")
        return message.data or b""

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        await self.jetstream.publish(f"$KV.{bucket}.{key}", value)

    async def slot(self, host: str) -> wire.Document:
        """Return the last command to *host*; before there was one, one that is nobody's."""
        try:
            message = await self.jetstream.get_last_msg("EXEC", f"commands.pc.{host}")
        except NotFoundError:
            return {"exec_id": None}
        return wire.document(message.data or b"")


@contextlib.asynccontextmanager
async def lab_fleet(folder: Path) -> AsyncIterator[Fleet]:
    """The embedded fleet."""
    options = LabOptions(
        local_limit=LOCAL_LIMIT, drain_seconds=0.1, nats_authorization=authorization()
    )
    async with (
        Lab(folder / "lab", [HOST, SPARE], build_service("0.1.0"), options) as lab,
        _clients(lab.nats_url, None) as (client, session),
    ):
        yield Fleet(
            url=lab.backend_url,
            token=lab.token,
            client=client,
            session=session,
            agents=lab.agents,
            folder=folder,
            logs={name: host.agent_folder / LOG_FILE for name, host in lab.hosts.items()},
            roles=True,
        )
        assert violations(lab.nats.settings.folder / "nats.log") == []


@contextlib.asynccontextmanager
async def real_fleet(folder: Path) -> AsyncIterator[Fleet]:
    """The same of kanade's own programs."""
    mark = secrets.token_hex(8)
    environment = base_environment({MARK: mark})
    settings = NatsSettings(folder=folder / "nats", port=free_port(), token=NATS_TOKEN)
    broker = NatsServer(settings, environment)
    async with kept(mark):
        await broker.start()
        async with _clients(broker.url, NATS_TOKEN) as (client, session):
            backend = RealBackend(folder / "backend", broker.url, free_port(), environment)
            agents = {
                host: RealAgent(host, folder / host, client, broker.url, environment)
                for host in (HOST, SPARE)
            }
            # An agent that finds no buckets when it starts never looks at pins afterwards.
            await backend.start()
            await asyncio.gather(*(agent.start() for agent in agents.values()))
            yield Fleet(
                url=backend.url,
                token=HTTP_TOKEN,
                client=client,
                session=session,
                agents=agents,
                folder=folder,
                logs={host: folder / host / LOG_FILE for host in (HOST, SPARE)},
            )
        for part in (*agents.values(), backend, broker):
            await part.kill()


@contextlib.asynccontextmanager
async def _clients(
    url: str, token: str | None
) -> AsyncIterator[tuple[Client, aiohttp.ClientSession]]:
    client = await nats.connect(url, token=token)
    try:
        async with aiohttp.ClientSession() as session:
            yield client, session
    finally:
        await client.close()
