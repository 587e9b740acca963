"""A whole update by users that NATS permits what they need, and what happens where one lacks it."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.demo.repository import RELEASE
from reconciler.cli.roles import Role
from tests.support.command_line import Done, command
from tests.support.playground import FIRST, Playground, playground

pytestmark = pytest.mark.slow

NEXT = "1.0.1"
SEEN = f"history {RELEASE}"


async def call(world: Playground, role: Role, *words: str) -> Done:
    """Run a command as somebody in that *role*."""
    process = await asyncio.create_subprocess_exec(
        *command("--config", str(world.settings(role)), *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(), err.decode())


@pytest.mark.parametrize(
    ("mode", "role"), [("nats", Role.CONTROLLER), ("backend", Role.BACKEND_CONTROLLER)]
)
async def test_an_update_and_all_that_people_do_need_no_more_than_their_roles(
    mode: str, role: Role, tmp_path: Path
) -> None:
    async with playground(tmp_path, mode, hosts=["backend-01"]) as world:
        adopted = await call(world, Role.OBSERVER, "adopt")
        assert f"{RELEASE}  backend-01  {FIRST}" in adopted.out, adopted
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)

        assert (await call(world, Role.OPERATOR, "suspend", RELEASE, "--reason", "smoke")).code == 0
        world.bump(NEXT)
        await world.told(
            lambda status: all(item.version == NEXT for item in status.releases.values()),
            "the commit is seen",
        )
        planned = await call(world, Role.OPERATOR, "plan")
        assert (planned.code, planned.err) == (1, ""), planned
        compared = await call(world, Role.OPERATOR, "diff")
        assert (compared.code, compared.err) == (1, ""), compared
        assert "\nscript deploy-" in compared.out, compared
        exported = await call(world, Role.OPERATOR, "export", str(tmp_path / "exported"))
        assert exported.code == 0, exported
        assert (await call(world, Role.OPERATOR, "resume", RELEASE)).code == 0
        await world.converged(NEXT)

        looks = ("get releases", "get hosts", "why backend-01", "tree", "events", SEEN)
        world.settings(Role.VIEWER)
        for looked in await asyncio.gather(
            *(call(world, Role.VIEWER, *words.split()) for words in looks)
        ):
            assert looked.code == 0, looked
        logged = await call(world, Role.OPERATOR, "logs", "backend-01")
        assert (logged.code, logged.err) == (0, ""), logged
        looked = await call(world, Role.OPERATOR, "reconcile", RELEASE, "--wait")
        assert looked.code == 0, looked
        checked = await call(world, role, "check")
        assert f"all that the role {role} needs is permitted" in checked.out, checked
