"""Nothing of a lab outlives it, however it ends."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from reconciler.lab.fleet import Lab
from reconciler.lab.keeper import MARK, marked
from reconciler.lab.waiting import until
from tests.lab.conftest import MakeLab
from tests.lab.talk import command, connected, publish

pytestmark = pytest.mark.slow

STARTER = """
import asyncio, sys
from pathlib import Path
from reconciler.lab.fleet import Lab
from reconciler.lab.keeper import MARK
from reconciler.lab.service import build_service

async def main():
    async with Lab(Path(sys.argv[1]), ["alpha"], build_service("1")) as lab:
        lab.agents["alpha"].pause()
        print(lab.environment("alpha")[MARK], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_lab_that_is_killed_takes_everything_with_it(tmp_path: Path) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, str(tmp_path), stdout=PIPE
    )
    assert starter.stdout is not None
    lab_id = (await starter.stdout.readline()).decode().strip()
    there = set(marked(lab_id))

    starter.send_signal(signal.SIGKILL)
    await starter.wait()

    assert len(there) >= 5
    await until(lambda: _gone(lab_id), "everything being gone")


async def test_a_lab_leaves_neither_service_nor_script_behind(
    make_lab: MakeLab, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    async with make_lab(["alpha"]) as lab:
        lab_id = lab.environment("alpha")[MARK]
        await _start_script(lab, f"touch {begun}; sleep 600")
        await until(lambda: asyncio.to_thread(begun.exists), "the script's beginning")
        await lab.agents["alpha"].kill()
        await lab.supervisor.kill()
        orphans = marked(lab_id)

    assert orphans
    assert marked(lab_id) == []


async def test_a_lab_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    lab = Lab(tmp_path, ["alpha"], b"#!/bin/sh\nexit 1\n")
    lab_id = lab.environment("alpha")[MARK]
    starting = asyncio.ensure_future(lab.__aenter__())
    await until(lambda: _there(lab_id), "the first part being there")

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert marked(lab_id) == []


async def _start_script(lab: Lab, script: str) -> None:
    async with connected(lab.nats_url) as client:
        await publish(client, "alpha", command(script, timeout_secs=600))


async def _gone(lab_id: str) -> bool:
    return not marked(lab_id)


async def _there(lab_id: str) -> bool:
    return bool(marked(lab_id))
