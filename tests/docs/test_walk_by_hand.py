"""Pages about a fleet that nobody controls yet are walked from top to bottom, on two hosts."""

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from reconciler.lab.waiting import until
from tests.docs.conftest import run_console
from tests.support.documents import ROOT, Block, all_pages, blocks_of, stage_of

pytestmark = pytest.mark.slow

HOSTS = ("backend-01", "backend-02")
SETTINGS = """\
[source]
folder = "desired-state"

[nats]
url = "{nats}"

[backend]
url = "{backend}"
token = {{ secret = "lab" }}

[controller]
state_dir = "state"
lab = true

[secrets]
lab = {{ env = "LAB_TOKEN" }}
"""


@pytest.mark.parametrize(
    "page",
    [page for page in all_pages() if stage_of(page) == "lab"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
async def test_a_page_can_be_walked(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    options = LabOptions(hosts_per_agent=len(HOSTS), heartbeat_seconds=1)
    async with Lab(tmp_path / "lab", HOSTS, build_service("0.42.0"), options) as lab:
        monkeypatch.setenv("LAB_TOKEN", lab.token)
        for block in blocks_of(page):
            if block.language == "":
                await take(block.text, lab, folder)
            elif block.language == "console" and not block.option("norun"):
                await asyncio.to_thread(run_console, at_home(block, lab), folder)


def at_home(block: Block, lab: Lab) -> Block:
    """Return *block* with the addresses of this very lab, in place of those that are shown."""
    text = block.text.replace("nats://127.0.0.1:4222", lab.nats_url)
    return replace(block, text=text.replace("http://127.0.0.1:8080", lab.backend_url))


async def take(step: str, lab: Lab, folder: Path) -> None:
    """Take a step that the page does not show."""
    match step.split():
        case ["settings", "written"]:
            text = SETTINGS.format(nats=lab.nats_url, backend=lab.backend_url)
            (folder / "reconciler.toml").write_text(text)
        case ["registered", job]:
            await register(job, lab)
        case ["build", version]:
            (folder / "kanade-backend").write_bytes(build_service(version))
        case ["run:", *_]:
            return
        case _:
            raise AssertionError(step)


async def register(job: str, lab: Lab) -> None:
    """Register a job as a person does who knows nothing of git, once every host has been heard."""
    headers = {"Authorization": f"Bearer {lab.token}", "Content-Type": "application/yaml"}
    text = f'id: {job}\nversion: "1"\nexecute: {{shell: sh, timeout: 60s, script: "true"}}\n'
    async with aiohttp.ClientSession(lab.backend_url, headers=headers) as session:

        async def all_are_heard() -> bool:
            async with session.get("/api/agents") as answer:
                return len(await answer.json()) == len(HOSTS)

        await until(all_are_heard, "all hosts being heard")
        async with session.post("/api/jobs", data=text) as answer:
            assert answer.status == 200
