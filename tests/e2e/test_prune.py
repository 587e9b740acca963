"""What nobody needs any more leaves kanade's stores, and a full store is given room first."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.kanade.names import APP_PACKAGES, SCRIPTS
from reconciler.kanade.objects import NatsObjects
from tests.support.playground import FIRST, Playground, playground
from tests.support.streams import connected

pytestmark = pytest.mark.slow

STREAM = "OBJ_app_packages"
OVERHEAD_BYTES = 64 * 1024
"""What an upload leaves free beside its content."""


class _Stream(msgspec.Struct):
    config: dict[str, object]


async def stored(connection: Connection, store: str) -> dict[str, int]:
    """Return the versions in *store*, each with its size."""
    objects = NatsObjects(connection, store)
    await objects.start()
    found = {ref.version: item.size_bytes for ref, item in objects.stored().items()}
    await objects.stop()
    return found


async def holds(connection: Connection, *versions: str) -> None:
    """Wait until both stores hold exactly *versions*."""
    deadline = time.monotonic() + 120
    for store in (APP_PACKAGES, SCRIPTS):
        while (found := set(await stored(connection, store))) != set(versions):
            assert time.monotonic() < deadline, f"{store} has {sorted(found)}"
            await asyncio.sleep(0.1)


async def fill(connection: Connection) -> None:
    """Leave room for half a package, and no more."""
    largest = max((await stored(connection, APP_PACKAGES)).values())
    info = await api.stream_info(connection, STREAM)
    limit = info.state.bytes + OVERHEAD_BYTES + largest // 2
    known = await api.call(connection, f"STREAM.INFO.{STREAM}", {}, _Stream, STREAM)
    config = {**known.config, "max_bytes": limit}
    await api.call(connection, f"STREAM.UPDATE.{STREAM}", config, _Stream, STREAM)


async def go_on(world: Playground, version: str) -> None:
    world.bump(version)
    await world.converged(version)


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_of_six_versions_the_newest_and_three_older_ones_stay(
    mode: str, tmp_path: Path
) -> None:
    async with playground(tmp_path, mode, hosts=("backend-01",)) as world:
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)
        async with connected(world.lab.nats_url) as connection:
            for version in ("1.0.1", "1.0.2", "1.0.3"):
                await go_on(world, version)
            await holds(connection, FIRST, "1.0.1", "1.0.2", "1.0.3")

            await fill(connection)
            await go_on(world, "1.0.4")
            await holds(connection, "1.0.1", "1.0.2", "1.0.3", "1.0.4")

            await fill(connection)
            await go_on(world, "1.0.5")
            await holds(connection, "1.0.2", "1.0.3", "1.0.4", "1.0.5")
        assert controller.lines("NoRoom") == []
        assert controller.lines("step failed") == []
        world.assert_once(["1.0.1", "1.0.2", "1.0.3", "1.0.4"], "1.0.5")
