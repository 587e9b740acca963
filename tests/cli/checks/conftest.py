"""Somebody who sits before an embedded fleet, and looks at one thing after the other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from reconciler.cli.checks.survey import Survey
from reconciler.cli.roles import Role
from reconciler.cli.settings import load_settings
from reconciler.desired.load import load
from reconciler.errors import ReconcilerError
from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from tests.cli.conftest import Office
from tests.source.repository import Repository
from tests.support import small_fleet
from tests.support.snapshots import snapshot_of

AGENT = "0.42.1"
KNOBS = 'knobs: {VERSION: "{version}"'
Files = Mapping[str, str | bytes]


def files(url: str, more: str = "", version: str = "1.0.0") -> dict[str, str | bytes]:
    """Return a commit whose script downloads from *url*; its release says *more*."""
    made = small_fleet.files(version, ["pc-01"])
    release = str(made["releases/tool.yaml"]).replace(KNOBS, f"{KNOBS}, URL: '{url}'")
    release = release.replace("  knobs:", "  allow_loopback: true\n  knobs:") + more
    script = str(made["scripts/deploy.sh"]).replace("VERSION=''", "VERSION=''\nURL=''")
    return {**made, "releases/tool.yaml": release, "scripts/deploy.sh": script}


def changed(made: Files, old: str, new: str) -> Files:
    """Return *made* with something else in its release."""
    release = str(made["releases/tool.yaml"])
    assert old in release
    return {**made, "releases/tool.yaml": release.replace(old, new)}


def surveyed(office: Office, made: Files | None = None, *overrides: str) -> Survey:
    """Return a round of checks that has come as far as the repository, which says *made*."""
    settings = load_settings(office.config, overrides)
    desired = load(snapshot_of(made)) if made is not None else None
    return Survey(settings=settings, role=Role.CONTROLLER, desired=desired)


async def told(look: Callable[[Survey], Awaitable[str]], survey: Survey) -> list[str]:
    """Return what a check says: its mark, then its lines."""
    try:
        return ["ok", *(await look(survey)).splitlines()]
    except ReconcilerError as error:
        return ["FAIL", *str(error).splitlines()]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """One host whose agent is a little old, and a backend that has the tool in one version."""
    folder = tmp_path_factory.mktemp("lab")
    options = LabOptions(agent_version=AGENT)
    async with Lab(folder, ["pc-01"], build_service("0.1.0"), options) as started:
        form = aiohttp.FormData()
        form.add_field("file", small_fleet.binary_of("1.0.0"), filename="tool")
        url = f"{started.backend_url}/api/app-packages/tool/1.0.0"
        headers = {"Authorization": f"Bearer {started.token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=form, headers=headers) as published,
        ):
            assert published.status == 200
        yield started


@pytest.fixture
def desk(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Settings that fit that fleet, the script's token included, and a repository as well."""
    repository = Repository.create(tmp_path / "fleet.git")
    made = Office(folder=tmp_path, nats_url=lab.nats_url, repository=repository)
    made.settle()
    config = made.config.read_text().replace("[controller]", "[controller]\nlab = true")
    token = '[backend]\nurl = "{url}"\ntoken = {{ secret = "tool-token" }}\n'
    made.config.write_text(token.format(url=lab.backend_url) + config)
    monkeypatch.setenv("DESK_TOKEN", lab.token)
    return made
