"""NATS dies, freezes, or is hard to reach, in the middle of rollouts."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.lab.fleet import LabOptions
from tests.support.playground import FIRST, Playground, playground
from tests.support.proxy import Proxy, proxy_to
from tests.support.reliability import report

pytestmark = pytest.mark.slow

KILLS = 5
_CLUSTER = LabOptions(heartbeat_seconds=1, drain_seconds=0.2, nats_nodes=3)


async def rollout_under(
    world: Playground, version: str, fault: Callable[[], Awaitable[None]]
) -> float:
    """Commit *version*, let *fault* happen while it is on its way, and wait for the end."""
    world.bump(version)
    await world.begun(version)
    await fault()
    return await world.converged(version)


async def test_nats_is_killed_again_and_again(tmp_path: Path) -> None:
    """A server that comes back after a moment costs that moment."""
    chance = random.Random(1)
    async with playground(tmp_path) as world:
        await world.controller().start()
        await world.converged(FIRST)

        async def kill() -> None:
            await world.lab.nats.kill()
            await asyncio.sleep(chance.uniform(0, 2))
            await world.lab.nats.start()

        versions = [f"1.0.{number}" for number in range(1, KILLS + 1)]
        for version in versions:
            await rollout_under(world, version, kill)
        world.assert_once(versions, versions[-1])
    report(nats_kills=KILLS)


async def test_nats_is_restarted_in_order_and_frozen_for_ten_seconds(tmp_path: Path) -> None:
    """A server that says nothing is left alone and waited for; nothing is said twice."""
    async with playground(tmp_path) as world:
        await world.controller().start()
        await world.converged(FIRST)

        async def freeze() -> None:
            world.lab.nats.pause()
            await asyncio.sleep(10)
            world.lab.nats.resume()

        await rollout_under(world, "1.0.1", world.lab.nats.restart)
        await rollout_under(world, "1.0.2", freeze)
        world.assert_once(["1.0.1", "1.0.2"], "1.0.2")


async def test_any_server_of_a_cluster_may_be_killed(tmp_path: Path) -> None:
    """Each in its turn, so that the leader of every stream and consumer is among them."""
    async with playground(tmp_path, options=_CLUSTER) as world:
        await world.controller().start()
        await world.converged(FIRST)
        versions, seconds = [], []
        for number, node in enumerate(world.lab.nats_nodes, start=1):
            versions.append(f"1.0.{number}")
            seconds.append(await rollout_under(world, versions[-1], node.kill))
            await node.start()
        world.assert_once(versions, versions[-1])
    report(cluster_kills=len(versions), cluster_kill_converged_seconds=round(max(seconds), 1))


async def test_the_way_to_nats_is_cut_stalled_and_reset(tmp_path: Path) -> None:
    """The server lives, and agents hear it; only the controller does not."""
    async with playground(tmp_path) as world, proxy_to(world.lab.nats.settings.port) as proxy:
        await world.controller(nats=[f"nats://127.0.0.1:{proxy.port}"]).start()
        await world.converged(FIRST)
        faults = [
            _for(3, proxy, Proxy.cut),
            _for(12, proxy, Proxy.stall),
            _for(0, proxy, Proxy.reset),
        ]
        versions = [f"1.0.{number}" for number in range(1, len(faults) + 1)]
        for version, fault in zip(versions, faults, strict=True):
            await rollout_under(world, version, fault)
        world.assert_once(versions, versions[-1])


def _for(
    seconds: float, proxy: Proxy, fault: Callable[[Proxy], None]
) -> Callable[[], Awaitable[None]]:
    async def happen() -> None:
        fault(proxy)
        await asyncio.sleep(seconds)
        proxy.heal()

    return happen
