"""The repository goes away or is rewritten: the last good revision stays in force."""

import subprocess
from pathlib import Path

import pytest

from reconciler.model.condition import ConditionType
from reconciler.model.status import Status
from tests.support.playground import FIRST, Playground, playground

pytestmark = pytest.mark.slow


def git(world: Playground, *arguments: str) -> None:
    author = ["-c", "user.name=Mika", "-c", "user.email=mika@example.com"]
    command = ["git", "-C", str(world.repository.folder), *author, *arguments]
    subprocess.run(command, check=True, capture_output=True)


async def told(world: Playground, reason: str) -> None:
    """Wait until that is what the controller says of its source."""

    def says_so(status: Status) -> bool:
        return any(
            (condition.type, condition.reason) == (ConditionType.SOURCE_READY, reason)
            for condition in status.controller.conditions
        )

    await world.told(says_so, f"of the source: {reason}")


async def test_the_last_good_revision_stays_in_force_and_a_newer_one_supersedes(
    tmp_path: Path,
) -> None:
    """Gone, rewritten, without its branch, with a damaged clone on our side: none of it undoes."""
    async with playground(tmp_path) as world:
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)
        world.bump("1.0.1")
        await world.converged("1.0.1")

        here, away = world.repository.folder, tmp_path / "away"
        here.rename(away)
        await told(world, "SourceRefused")
        away.rename(here)
        await told(world, "Fetched")

        git(world, "branch", "--move", "main", "elsewhere")
        await told(world, "BranchGone")
        git(world, "branch", "--move", "elsewhere", "main")

        git(world, "tag", "good")
        git(world, "commit", "--amend", "--message", "Rewrite what was applied")
        await told(world, "HistoryRewritten")
        git(world, "reset", "--hard", "good")
        await told(world, "Fetched")

        await controller.stop()
        for pack in (tmp_path / "first" / "source").rglob("*.pack"):
            pack.chmod(0o600)
            pack.write_bytes(b"damaged")
        await controller.start()
        await world.converged("1.0.1")
        world.assert_once(["1.0.1"], "1.0.1")

        world.bump("1.0.2")
        await world.converged("1.0.2")
        world.assert_once(["1.0.1", "1.0.2"], "1.0.2")
