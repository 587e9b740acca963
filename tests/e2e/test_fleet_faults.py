"""The backend and the agents die, or cannot be reached, in the middle of rollouts."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg

from tests.support.playground import FIRST, HOSTS, playground
from tests.support.proxy import Proxy, proxy_to

pytestmark = pytest.mark.slow

INSTALL, PROBE = "install-kanade-backend", "version-kanade-backend"


async def test_the_backend_is_killed_under_a_rollout(tmp_path: Path) -> None:
    """What is written goes through it, and what hosts download comes from it."""
    async with playground(tmp_path, "backend") as world:
        await world.controller().start()
        await world.converged(FIRST)
        world.bump("1.0.1")
        await world.begun("1.0.1")
        await world.lab.backend.kill()
        await asyncio.sleep(2)
        await world.lab.backend.start()
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")


async def test_the_backend_is_killed_under_an_exec_and_stays_away(tmp_path: Path) -> None:
    """The way goes on over NATS, and what may have gone out over HTTP does not go out again.

    It dies when all hosts have downloaded what they need, at the first look at one of them: with
    the command out, and its answer, most likely, not.
    """
    together = f'while [ "$(grep -c " $2$" "{tmp_path}/effects")" -lt {len(HOSTS)} ]'
    hook = f'if [ "$1" = swapped ]; then {together}; do sleep 0.1; done; fi'
    async with playground(tmp_path, "auto", hook=hook) as world:
        await world.controller().start()
        await world.converged(FIRST)
        sent: Counter[tuple[str, str]] = Counter()

        async def hear(message: Msg) -> None:
            host, job = message.subject.rpartition(".")[2], json.loads(message.data)["id"]
            sent[host, job] += 1
            if job == PROBE and world.lab.backend.alive:
                await world.lab.backend.kill()

        client = await nats.connect(world.lab.nats_url)
        await client.subscribe("commands.pc.>", cb=hear)
        await client.flush()
        world.bump("1.0.1")
        await world.converged("1.0.1")
        await client.close()
        assert not world.lab.backend.alive
        assert sent == Counter((host, job) for host in HOSTS for job in (INSTALL, PROBE))
        world.assert_once(["1.0.1"], "1.0.1")


async def test_the_way_to_the_backend_is_cut_stalled_and_reset(tmp_path: Path) -> None:
    """A call without an answer may have been heard: it is looked at before it is made again."""
    async with (
        playground(tmp_path, "backend") as world,
        proxy_to(world.lab.backend.settings.port) as proxy,
    ):
        faults: list[Callable[[Proxy], None]] = [Proxy.cut, Proxy.stall, Proxy.reset]
        await world.controller(backend=f"http://127.0.0.1:{proxy.port}").start()
        await world.converged(FIRST)
        versions = [f"1.0.{number}" for number in range(1, len(faults) + 1)]
        for version, fault in zip(versions, faults, strict=True):
            happened = proxy.after(4000, partial(fault, proxy))
            world.bump(version)
            async with asyncio.timeout(120):
                await happened.wait()
            await asyncio.sleep(3)
            proxy.heal()
            await world.converged(version)
        world.assert_once(versions, versions[-1])


async def test_an_agent_is_killed_under_a_run(tmp_path: Path) -> None:
    """Its script runs on without it; what became of that is looked at, not repeated blindly."""
    go_on = tmp_path / "go-on"
    hook = f'while [ "$1" = swapped ] && [ ! -e "{go_on}" ]; do sleep 0.1; done'
    async with playground(tmp_path, hook=hook) as world:
        await world.controller().start()
        await world.converged(FIRST)
        world.bump("1.0.1")
        host = await world.swapped("1.0.1")
        await world.lab.agents[host].kill()
        go_on.touch()
        await asyncio.sleep(2)
        await world.lab.agents[host].start()
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")


async def test_a_newer_commit_supersedes_what_is_being_waited_for(tmp_path: Path) -> None:
    """A host that was away ends on the newest version, whatever was meant for it meanwhile."""
    async with playground(tmp_path) as world:
        await world.controller().start()
        await world.converged(FIRST)
        away = world.lab.agents[HOSTS[1]]
        await away.kill()
        world.bump("1.0.1")
        await world.begun("1.0.1")
        world.bump("1.0.2")
        await world.told(
            lambda status: {host.wanted for host in status.hosts.values()} == {"1.0.2"},
            "1.0.2 is what is wanted",
        )
        await away.start()
        await world.converged("1.0.2")
        world.assert_once(["1.0.1", "1.0.2"], "1.0.2")
