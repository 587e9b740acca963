"""There is no room: in a bucket, then on the disk. It is told by name, and passes by itself."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nats
import pytest

from reconciler.lab.fleet import LabOptions
from reconciler.model.condition import Condition
from reconciler.model.status import Status
from tests.support.playground import FIRST, Playground, playground
from tests.support.reliability import report

pytestmark = pytest.mark.slow

_PACKAGES = "OBJ_app_packages"


async def limit_packages(world: Playground, room: int | None) -> None:
    """Leave *room* bytes in the bucket of the packages, or as much as there was at first."""
    client = await nats.connect(world.lab.nats_url)
    info = json.loads((await client.request(f"$JS.API.STREAM.INFO.{_PACKAGES}", b"")).data)
    limit = 5 * 1024**3 if room is None else info["state"]["bytes"] + room
    wanted = json.dumps({**info["config"], "max_bytes": limit}).encode()
    answer = json.loads((await client.request(f"$JS.API.STREAM.UPDATE.{_PACKAGES}", wanted)).data)
    assert "error" not in answer, answer
    await client.close()


def has_no_room(status: Status, fix: str) -> bool:
    return any(
        condition.reason == "NoRoom"
        and "packages" in condition.message
        and fix in condition.message
        for condition in conditions(status)
    )


def says(status: Status, words: str) -> bool:
    return any(words in condition.message for condition in conditions(status))


def conditions(status: Status) -> Iterator[Condition]:
    return (one for release in status.releases.values() for one in release.conditions)


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_a_full_bucket_is_named_and_waited_for(mode: str, tmp_path: Path) -> None:
    """kanade's are capped, and discard what is new."""
    async with playground(tmp_path, mode) as world:
        await world.controller().start()
        await world.converged(FIRST)
        await limit_packages(world, 100_000)
        world.bump("1.0.1", padding=1_000_000)
        await world.told(
            lambda status: has_no_room(status, "raise the limit: nats stream edit OBJ_"),
            "NoRoom is told, and what to do",
        )
        assert not world.effects
        await limit_packages(world, None)
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB where the lab's NATS keeps everything."""
    folder = tmp_path / "fleet" / "nats"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    is_there = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    report(full_disk_tested=int(is_there))
    if not is_there:
        pytest.skip("NOT TESTED: a full disk; only root can make a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_is_named_and_survived(small_disk: Path, tmp_path: Path) -> None:
    """JetStream stops at once then; with room and a restart everything goes on."""
    await survives(
        "nats", tmp_path, small_disk, lambda status: has_no_room(status, "then restart nats-server")
    )


async def test_a_full_disk_behind_the_backend_is_survived(small_disk: Path, tmp_path: Path) -> None:
    """All that the backend says of it is 504, without a reason."""
    await survives("backend", tmp_path, small_disk, lambda status: says(status, "(504); see its"))


async def survives(mode: str, folder: Path, disk: Path, is_told: Callable[[Status], bool]) -> None:
    options = LabOptions(heartbeat_seconds=1, drain_seconds=0.2, max_file_store="64GB")
    async with playground(folder, mode, options=options) as world:
        await world.controller().start()
        await world.converged(FIRST)
        world.bump("1.0.1", padding=48_000_000)
        await world.told(is_told, "what is wrong is told, and what to do")
        assert not world.effects
        grow = ["mount", "-o", "remount,size=256m", str(disk)]
        await asyncio.to_thread(subprocess.run, grow, check=True)
        await world.lab.nats.kill()
        await world.lab.nats.start()
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")
