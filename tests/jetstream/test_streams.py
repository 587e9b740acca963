"""How many copies of our own streams there are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from reconciler.errors import Conflict, KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream import connection as connection_module
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.lab.nats_server import NatsServer, NatsSettings, cluster_of
from reconciler.lab.ports import free_port
from reconciler.state.events import EventLog
from tests.support.streams import connected

pytestmark = pytest.mark.asyncio(loop_scope="module")
T = TypeVar("T")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that has no leader yet never answers: it is asked again."""
    monkeypatch.setattr(connection_module, "_PATIENCE", timedelta(seconds=5))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[NatsServer]]:
    """A cluster of three."""
    async with cluster(3, tmp_path_factory.mktemp("cluster")) as made:
        yield made


@asynccontextmanager
async def cluster(size: int, folder: Path) -> AsyncIterator[list[NatsServer]]:
    made = cluster_of(size, NatsSettings(folder=folder, port=free_port()))
    async with AsyncExitStack() as stack:
        for node in made:
            stack.push_async_callback(node.kill)
        await asyncio.gather(*(node.start() for node in made))
        yield made


async def replicas(connection: Connection, stream: str) -> int:
    return (await api.stream_info(connection, stream)).config.num_replicas


async def led(call: Callable[[], Awaitable[T]]) -> T:
    """Return what *call* returns, once the stream has a leader that answers it."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await call()
            except KanadeUnavailable:
                await asyncio.sleep(0.1)


async def test_alone_a_server_has_the_only_copy(nats_account: str) -> None:
    async with connected(nats_account) as connection:
        await Bucket(connection, "alone").create()

        assert await replicas(connection, "KV_alone") == 1


async def test_in_a_cluster_there_are_three_copies(nodes: list[NatsServer]) -> None:
    async with connected(nodes[0].url) as connection:
        await led(Bucket(connection, "new").create)
        await led(EventLog(connection).create)

        assert await led(lambda: replicas(connection, "KV_new")) == 3
        assert await led(lambda: replicas(connection, "RECONCILER_EVENTS")) == 3


async def test_what_is_older_than_the_cluster_is_copied_and_otherwise_left_as_it_is(
    nodes: list[NatsServer],
) -> None:
    async with connected(nodes[1].url) as connection:
        bucket = Bucket(connection, "old")
        old = {"name": bucket.stream, "subjects": ["$KV.old.>"], "max_bytes": 4096}
        assert await api.create_stream(connection, {**old, "num_replicas": 1}) is None
        await led(lambda: bucket.put("key", b"value"))

        await led(bucket.create)

        config = (await led(lambda: api.stream_info(connection, bucket.stream))).config
        assert (config.num_replicas, config.max_bytes) == (3, 4096)
        value = await led(lambda: bucket.get("key"))
        assert value is not None
        assert value.data == b"value"


async def test_many_writes_behind_one_fence_all_get_through(
    nodes: list[NatsServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster turns away whoever expects something that another write is about to assert."""
    async with connected(nodes[0].url) as connection, connected(nodes[1].url) as rival:
        bucket, other = Bucket(connection, "fenced"), Bucket(rival, "fenced")
        await led(bucket.create)
        term = await led(lambda: bucket.put("term", b""))
        fence = (bucket.subject("term"), term)

        monkeypatch.setattr(connection_module, "_PATIENCE", timedelta(minutes=1))
        writes = [bucket.put(f"key-{number}", b"", fence=fence) for number in range(100)]
        rivals = [other.put(f"rival-{number}", b"", fence=fence) for number in range(10)]
        await asyncio.gather(*writes, *rivals)
        await bucket.put("term", b"")

        with pytest.raises(Conflict):
            await bucket.put("key-1", b"late", fence=fence)


@pytest.mark.slow
async def test_a_cluster_that_is_too_small_keeps_one_copy(tmp_path: Path) -> None:
    """Two of two would stand still with either server."""
    async with (
        cluster(2, tmp_path) as nodes,
        connected(nodes[0].url) as connection,
    ):
        await led(Bucket(connection, "small").create)
        await led(Bucket(connection, "small").create)

        assert await led(lambda: replicas(connection, "KV_small")) == 1
