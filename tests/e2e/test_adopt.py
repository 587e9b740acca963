"""A fleet that is already there, of real processes: looked at, told, and left as it is."""

from pathlib import Path

import pytest

from reconciler.cli.demo.repository import RELEASE
from reconciler.jetstream import api
from tests.support.command_line import execute
from tests.support.playground import FIRST, HOSTS, Playground, playground
from tests.support.streams import connected

pytestmark = pytest.mark.slow

NEXT = "1.0.1"


async def jobs_sent(world: Playground) -> set[str]:
    """Return the names of the jobs that lie in slots."""
    async with connected(world.lab.nats_url) as connection:
        slots = [
            await api.last_message(connection, "EXEC", f"commands.pc.{host}") for host in HOSTS
        ]
    return {slot.data.decode().split('"id":"')[1].split('"')[0] for slot in slots if slot}


async def test_day_0_probes_every_host_and_installs_nothing(tmp_path: Path) -> None:
    async with playground(tmp_path, waves=True) as world:
        config = world.controller().config
        world.bump(NEXT)

        done = execute("--config", str(config), "adopt")

        assert done.code == 1, done
        told = [line.split()[:4] for line in done.out.splitlines() if line.startswith(RELEASE)]
        assert told[:2] == [[RELEASE, host, FIRST, "pending"] for host in HOSTS], done
        assert f"+ publish package {RELEASE}/{NEXT}" in done.out
        assert done.out.count(f"> exec install-{RELEASE} on ") == 1, done
        assert await jobs_sent(world) == {f"version-{RELEASE}"}
        assert world.effects == {}
        running = [await world.lab.running(host) for host in HOSTS]
        assert [item and item.version for item in running] == [FIRST] * len(HOSTS)


async def test_a_controller_that_only_looks_sees_a_commit_and_leaves_it_be(tmp_path: Path) -> None:
    async with playground(tmp_path) as world:
        controller = world.controller(options=("--observe-only",))
        await controller.start()
        await world.converged(FIRST)
        world.bump(NEXT)

        await world.told(
            lambda status: any(
                release.version == NEXT and "observe-only" in release.waits_for
                for release in status.releases.values()
            ),
            "it says what it does not do",
        )

        status = await world.status()
        assert status is not None
        assert status.controller.observe_only
        assert world.effects == {}
        assert await jobs_sent(world) == {f"version-{RELEASE}"}
