"""SIGTERM, wherever the controller is at: it ends in time and in order, and loses nothing."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.controller_part import Controller
from tests.support.playground import FIRST, playground
from tests.support.proxy import proxy_to
from tests.support.reliability import report_limited

pytestmark = pytest.mark.slow

PATIENCE = timedelta(seconds=60)


async def stop(controller: Controller) -> None:
    """Ask it to end, and see that it does so by itself, and soon where anything goes soon."""

    async def end() -> float:
        if not controller.alive:  # it took too long for a reason of its own: once more
            await controller.start()
        begun = time.monotonic()
        await controller.stop(PATIENCE)
        assert controller.exit_code == 0, controller.lines()[-20:]
        return time.monotonic() - begun

    await report_limited("sigterm_seconds", end, limit=10)


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_under_a_rollout(mode: str, tmp_path: Path) -> None:
    async with playground(tmp_path, mode) as world:
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)
        world.bump("1.0.1")
        await world.begun("1.0.1")

        await stop(controller)
        await controller.start()
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_under_an_upload_that_does_not_get_on(mode: str, tmp_path: Path) -> None:
    """The hardest place: half of the package is with a server that says nothing more."""
    async with playground(tmp_path, mode) as world:
        nats, backend = world.lab.nats.settings.port, world.lab.backend.settings.port
        async with proxy_to(backend if mode == "backend" else nats) as proxy:
            there = f"127.0.0.1:{proxy.port}"
            controller = (
                world.controller(backend=f"http://{there}")
                if mode == "backend"
                else world.controller(nats=[f"nats://{there}"])
            )
            await controller.start()
            await world.converged(FIRST)
            half = proxy.after(4_000_000, proxy.stall)
            world.bump("1.0.1", padding=8_000_000)
            async with asyncio.timeout(120):
                await half.wait()

            await stop(controller)
            proxy.heal()
            await controller.start()
            await world.converged("1.0.1")
            world.assert_once(["1.0.1"], "1.0.1")
