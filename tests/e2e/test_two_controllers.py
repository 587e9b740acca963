"""Two controllers run, one leads: it is killed, it is stopped and wakes up, it is restarted."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg
from nats.js.api import DeliverPolicy

from tests.support.controller_part import Controller
from tests.support.nats import eventually
from tests.support.playground import FIRST, Playground, playground
from tests.support.reliability import report, report_limited

pytestmark = pytest.mark.slow

ROUNDS = 2


async def leads(controller: Controller, times: int = 1) -> float:
    """Wait until *controller* has taken the lead so many times; return the seconds it took."""
    begun = time.monotonic()
    await eventually(lambda: len(controller.lines("leading")) == times)
    return time.monotonic() - begun


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_a_leader_that_is_killed_is_followed_within_twenty_seconds(
    mode: str, tmp_path: Path
) -> None:
    """Whoever waits takes over in the middle of a rollout, and nothing takes effect twice."""
    async with playground(tmp_path, mode) as world:
        leader, other = world.controller("first"), world.controller("second")
        await leader.start()
        await leads(leader)
        await other.start()
        await world.converged(FIRST)
        versions: list[str] = []

        async def fail_over() -> float:
            nonlocal leader, other
            versions.append(f"1.0.{len(versions) + 1}")
            world.bump(versions[-1])
            await world.begun(versions[-1])
            led_before = len(other.lines("leading"))
            await leader.kill()
            seconds = await leads(other, led_before + 1)
            await world.converged(versions[-1])
            leader, other = other, leader
            await other.start()
            return seconds

        for _ in range(ROUNDS):
            await report_limited("failover_seconds", fail_over, limit=20)
        world.assert_once(versions, versions[-1])
        report(failovers=len(versions))


async def test_an_instance_takes_over_from_its_own_dead_predecessor_at_once(tmp_path: Path) -> None:
    """Its name is its claim: nobody waits for the lease of one that is known to be dead."""
    async with playground(tmp_path) as world:
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)
        world.bump("1.0.1")

        async def begin_again() -> float:
            led_before = len(controller.lines("leading"))
            await controller.kill()
            await controller.start()
            return await leads(controller, led_before + 1)

        await report_limited("takeover_of_its_own_seconds", begin_again, limit=5)
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_a_leader_that_was_stopped_and_wakes_up_changes_nothing(
    mode: str, tmp_path: Path
) -> None:
    """Its lease has run out in its sleep, and another leads: its term is refused, its ids known."""
    async with playground(tmp_path, mode) as world:
        stopped, other = world.controller("stopped"), world.controller("other")
        await stopped.start()
        await leads(stopped)
        await other.start()
        await world.converged(FIRST)
        world.bump("1.0.1")
        await world.begun("1.0.1")
        stopped.pause()
        await leads(other)
        async with (
            stored_from_now(world, "$KV.reconciler_state.>") as stored,
            stored_from_now(world, "$O.app_packages.M.>") as packages,
            stored_from_now(world, "$O.scripts.M.>") as scripts,
        ):
            stopped.resume()
            await world.converged("1.0.1")
            world.bump("1.0.2")
            await world.converged("1.0.2")
            said = [data for data in stored if b'"instance":' in data]
            names = [json.loads(data)["name"] for data in (*packages, *scripts)]
        assert any(b'"other"' in data for data in said)
        assert not [data for data in said if b'"stopped"' in data]
        assert not stopped.lines("step done", "1.0.2")
        assert sorted(names) == sorted({name for name in names if "1.0.2" in name}) != []
        world.assert_once(["1.0.1", "1.0.2"], "1.0.2")


@asynccontextmanager
async def stored_from_now(world: Playground, subject: str) -> AsyncIterator[list[bytes]]:
    """Collect what is stored on *subject* from now on."""
    stored: list[bytes] = []

    async def collect(message: Msg) -> None:
        stored.append(message.data)

    client = await nats.connect(world.lab.nats_url)
    await client.jetstream().subscribe(
        subject,
        cb=collect,
        ordered_consumer=True,
        deliver_policy=DeliverPolicy.NEW,
    )
    yield stored
    await client.close()
