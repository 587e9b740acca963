"""The three servers of the example, started for real on this machine, with all of its users."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from reconciler.cli.own_state import open_own_state
from reconciler.cli.roles import Role
from reconciler.errors import ReconcilerError, Unauthorized
from reconciler.jetstream import api
from reconciler.jetstream.connection import connect
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.options import NatsOptions
from reconciler.lab.part import Launch, Part
from reconciler.lab.ports import free_port
from reconciler.lab.program import program_path
from reconciler.state.names import EVENTS_STREAM, REQUESTS_BUCKET, STATE_BUCKET
from tests.support.clock import FakeClock
from tests.support.nats_users import violations

FOLDER = Path(__file__).resolve().parents[2] / "examples/nats"
NAMES = ("nats-1", "nats-2", "nats-3")
STREAMS = (f"KV_{STATE_BUCKET}", f"KV_{REQUESTS_BUCKET}", EVENTS_STREAM)
_PASSWORDS = re.findall(r"user: (\w+), password: \$(\w+)", (FOLDER / "cluster.conf").read_text())


class Server(Part):
    """One of the three, with the example's file but for its addresses and its folder."""

    def __init__(self, name: str, folder: Path, routes: dict[str, int]) -> None:
        super().__init__(name)
        self.port = free_port()
        self.folder = folder / name
        self.log = self.folder / "nats.log"
        self._routes = routes

    def options(self, user: str, inbox_prefix: str = "_INBOX") -> NatsOptions:
        url = f"nats://127.0.0.1:{self.port}"
        return NatsOptions(servers=(url,), user=user, password="test", inbox_prefix=inbox_prefix)

    def launch(self) -> Launch:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "cluster.conf"
        configuration.write_text(self._text())
        passwords = {variable: "test" for _, variable in _PASSWORDS}
        return Launch(
            argv=(program_path("nats-server"), "-c", str(configuration)),
            environment={**os.environ, **passwords, "SERVER_NAME": self.name},
            log=self.log,
        )

    async def answers(self) -> bool:
        """Tell whether JetStream has a leader."""
        try:
            async with await connect(self.options("kanade")) as connection:
                await api.account_info(connection)
        except ReconcilerError:
            return False
        return True

    def _text(self) -> str:
        text = (FOLDER / "cluster.conf").read_text()
        permissions = os.path.relpath(FOLDER / "permissions", self.folder)
        for found, there in (
            *((f"{name}.example.com:6222", f"127.0.0.1:{self._routes[name]}") for name in NAMES),
            ("0.0.0.0:4222", f"127.0.0.1:{self.port}"),
            ("0.0.0.0:6222", f"127.0.0.1:{self._routes[self.name]}"),
            ("127.0.0.1:8222", f"127.0.0.1:{free_port()}"),
            ("/var/lib/nats", str(self.folder / "store")),
            ("permissions/", f"{permissions}/"),
        ):
            assert found in text
            text = text.replace(found, there)
        return text


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[Server]]:
    routes = {name: free_port() for name in NAMES}
    async with AsyncExitStack() as stack:
        made = [Server(name, tmp_path, routes) for name in NAMES]
        for server in made:
            stack.push_async_callback(server.kill)
        await asyncio.gather(*(server.start() for server in made))
        yield made


async def test_what_we_keep_is_on_all_three_and_each_user_has_its_place(
    servers: list[Server],
) -> None:
    first, second, third = servers
    controller = first.options("reconciler", Role.CONTROLLER.inbox_prefix)
    async with (
        await connect(controller) as connection,
        open_own_state(connection, "one", FakeClock(), lambda: None, create=True) as own,
    ):
        assert await own.lease.attempt()
        for stream in STREAMS:
            assert (await api.stream_info(connection, stream)).config.num_replicas == len(servers)

    async with await connect(second.options("viewer", Role.VIEWER.inbox_prefix)) as viewer:
        assert await Bucket(viewer, STATE_BUCKET).get("lease.term") is not None
        with pytest.raises(Unauthorized, match=r"publish to \$KV\.reconciler_requests\.a"):
            await Bucket(viewer, REQUESTS_BUCKET).put("a", b"")
    async with await connect(third.options("operator", Role.OPERATOR.inbox_prefix)) as operator:
        assert await Bucket(operator, REQUESTS_BUCKET).put("a", b"") > 0

    refused = [line for server in servers for line in violations(server.log)]
    assert refused == ['viewer Publish Subject "$KV.reconciler_requests.a"']
