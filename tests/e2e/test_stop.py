"""The red button on a fleet of real processes."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.demo.repository import RELEASE
from reconciler.cli.roles import Role
from reconciler.jetstream import api
from reconciler.model.plan import State
from tests.support.command_line import Done, command
from tests.support.playground import FIRST, Playground, playground
from tests.support.streams import connected

pytestmark = pytest.mark.slow

HOSTS = tuple(f"backend-{number:02}" for number in range(1, 6))
NEXT = "1.0.1"


async def call(world: Playground, *words: str) -> Done:
    """Run a command as somebody who may stop releases."""
    process = await asyncio.create_subprocess_exec(
        *command("--config", str(world.settings(Role.RESPONDER)), *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(), err.decode())


async def states(world: Playground) -> list[str]:
    status = await world.status()
    return [] if status is None else [host.state for host in status.hosts.values()]


async def test_the_red_button_kills_what_runs_and_nothing_waits_in_a_slot(tmp_path: Path) -> None:
    hook = f'if [ "$1" = swapped ] && [ -e "{tmp_path}/slow" ]; then sleep 60; fi'
    async with playground(tmp_path, hosts=HOSTS, hook=hook) as world:
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)
        (tmp_path / "slow").touch()
        world.bump(NEXT)
        await world.told(
            lambda status: [host.state for host in status.hosts.values()].count(State.RUNNING) == 3,
            "three hosts run it",
        )

        done = await call(world, "stop", RELEASE, "--reason", "smoke")

        assert done.code in (0, 6), done  # 6 is for those that do not end in 10 s
        await world.told(
            lambda status: (
                sorted(host.reason for host in status.hosts.values() if host.state == State.FAILED)
                == ["Killed"] * 3
            ),
            "three runs were killed",
        )
        await asyncio.sleep(3)
        assert (await states(world)).count(State.PENDING) == 2
        async with connected(world.lab.nats_url) as connection:
            for host in HOSTS:
                slot = await api.last_message(connection, "EXEC", f"commands.pc.{host}")
                assert slot is None or NEXT.encode() not in slot.data
