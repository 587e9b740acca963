"""Pages that need a fleet are walked from top to bottom, on one of three hosts."""

import asyncio
from pathlib import Path

import pytest

from reconciler.cli.demo.repository import Repository
from reconciler.cli.demo.stage import FIRST, HOSTS, Setting, Stage, set_stage
from reconciler.lab.service import build_service
from tests.docs.conftest import run_console
from tests.support.documents import ROOT, all_pages, blocks_of, stage_of

pytestmark = pytest.mark.slow


def in_a_hurry(repository: Repository) -> None:
    repository.edit("soak: 1s", "soak: 0s")
    repository.edit("every: 5s", "every: 1h")


@pytest.mark.parametrize(
    "page",
    [page for page in all_pages() if stage_of(page) == "fleet"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
async def test_a_page_can_be_walked(page: Path, tmp_path: Path) -> None:
    setting = Setting(hosts_per_agent=len(HOSTS), prepare=in_a_hurry)
    async with set_stage(tmp_path, setting) as stage:
        await stage.until("every host is proved", lambda: stage.all_proved(FIRST))
        await stage.until("it is kept", lambda: stage.can_go_back_to(FIRST))
        for block in blocks_of(page):
            if block.language == "":
                await take(block.text, stage)
            elif block.language == "console" and not block.option("norun"):
                await asyncio.to_thread(run_console, block, tmp_path)


async def take(step: str, stage: Stage) -> None:
    """Take a step that the page does not show: `build VERSION`, `proved VERSION`."""
    match step.split():
        case ["build", version]:
            (stage.repository.builds / "kanade-backend").write_bytes(build_service(version))
        case ["proved", version]:
            await stage.until(step, lambda: stage.all_proved(version))
        case ["reason", version, reason]:
            await stage.until(step, lambda: stage.says(version, reason))
        case ["run:", *_]:
            return
        case _:
            raise AssertionError(step)
