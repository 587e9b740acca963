"""The broker by itself: credentials, limits, and what it says when it cannot start."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from reconciler.lab.failure import LabFailed
from reconciler.lab.nats_server import NatsServer, NatsSettings, cluster_of
from reconciler.lab.ports import free_port
from tests.lab.talk import connected

pytestmark = pytest.mark.slow

USERS = """
no_auth_user: anybody
authorization { users: [
  { user: anybody, password: pass }
  { user: viewer, password: pass }
] }
"""


async def ignore(_: Exception) -> None:
    """The refusal is what the test waits for."""


async def test_nobody_is_let_in_without_the_token(tmp_path: Path) -> None:
    settings = NatsSettings(folder=tmp_path, port=free_port(), token="secret")

    async with NatsServer(settings) as server:
        stranger = Client()
        with pytest.raises(NatsError, match="Authorization Violation"):
            await stranger.connect(server.url, allow_reconnect=False, error_cb=ignore)
        await stranger.close()
        async with connected(server.url, "secret") as client:
            assert client.is_connected


async def test_users_of_ones_own_can_be_given(tmp_path: Path) -> None:
    settings = NatsSettings(folder=tmp_path, port=free_port(), authorization=USERS)

    async with NatsServer(settings) as server:
        url = server.url.replace("nats://", "nats://viewer:pass@")
        async with connected(url) as client:
            account = await client.jetstream().account_info()

    assert account.streams == 0


async def test_a_cluster_answers_when_it_can_keep_something(tmp_path: Path) -> None:
    """Nodes that have not chosen a leader yet greet, and then say nothing to whoever asks."""
    settings = NatsSettings(folder=tmp_path, port=free_port(), authorization=USERS)
    nodes = cluster_of(3, settings)
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(node) for node in nodes))
        async with connected(nodes[0].url) as client:
            made = await client.jetstream().add_stream(name="kept", num_replicas=3)

    assert made.config.num_replicas == 3


async def test_a_store_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    settings = NatsSettings(folder=tmp_path, port=free_port(), max_file_store="64KB")

    async with NatsServer(settings) as server, connected(server.url) as client:
        await client.jetstream().add_stream(name="full", subjects=["full"])
        with pytest.raises(APIError, match="resource"):
            await _fill(client)


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        server = NatsServer(NatsSettings(folder=tmp_path, port=port))

        with pytest.raises(LabFailed, match=f"nats ended while it was starting: .*{port}"):
            await server.start()


async def test_what_was_acknowledged_is_there_after_a_crash(tmp_path: Path) -> None:
    async with NatsServer(NatsSettings(folder=tmp_path, port=free_port())) as server:
        async with connected(server.url) as client:
            await client.jetstream().add_stream(name="kept", subjects=["kept"])
            await client.jetstream().publish("kept", b"1")
        await server.kill()
        await server.start()
        async with connected(server.url) as client:
            message = await client.jetstream().get_last_msg("kept", "kept")

    assert message.data == b"1"


async def _fill(client: Client) -> None:
    for _ in range(10):
        await client.jetstream().publish("full", b"x" * 30_000)
