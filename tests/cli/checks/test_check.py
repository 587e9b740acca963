"""`check`: what is missing is told in order, and what hangs on it is not blamed."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.cli.links import NO_SETTINGS
from reconciler.lab.fleet import Lab
from tests.cli.answering import answering
from tests.cli.checks.conftest import AGENT, files
from tests.cli.conftest import Office
from tests.support import small_fleet
from tests.support.command_line import Done, call
from tests.support.kanade_streams import make_kanade
from tests.support.processes import read_json
from tests.support.streams import connected

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ON_NATS = (
    "jetstream", "rights", "kanade", "hosts", "clocks", "agents", "artifacts", "download",
)  # fmt: skip


def first_lines(done: Done) -> list[str]:
    """Return the line of each check; more of what it says stands below that."""
    return [line for line in done.out.splitlines() if not line.startswith(" ")]


async def test_all_is_in_order(desk: Office, lab: Lab) -> None:
    desk.repository.commit(files(lab.backend_url))

    done = await asyncio.to_thread(desk.call, "check", DESK_TOKEN=lab.token, COLUMNS="400")

    lines = {line.split()[1]: line.split(maxsplit=2)[2] for line in first_lines(done)}
    assert (done.code, list(lines)) == (
        0,
        [
            "settings", "nats", "jetstream", "rights", "kanade", "backend", "token", "signing",
            "git", "hosts", "clocks", "agents", "artifacts", "download", "approval", "gateway",
        ],
    )  # fmt: skip
    told = "it is that of service-token, who is admin there; an operator's would do"
    assert lines["token"] == told
    assert lines["hosts"] == "1 of 1 host answered"
    assert lines["clocks"] == "the clocks of NATS and 1 host agree with ours"
    assert lines["agents"] == f"{AGENT} on 1"
    given = f"tool: {lab.backend_url} gives tool/1.0.0 for this token"
    more = ", which is that of service-token, admin there: a viewer's would do"
    assert lines["download"] == given + more


async def test_what_hangs_on_something_missing_is_not_blamed(office: Office) -> None:
    done = await asyncio.to_thread(office.call, "check", DESK_PASSWORD="wrong", COLUMNS="400")

    marks = {line.split()[1]: line.split()[0] for line in first_lines(done)}
    assert done.code == 4
    assert marks == {
        "nats": "FAIL",
        **dict.fromkeys(_ON_NATS, "--"),
        **dict.fromkeys(
            ("settings", "backend", "token", "signing", "git", "approval", "gateway"), "ok"
        ),
    }
    assert "not checked before nats is mended" in done.out


async def test_who_runs_no_controller_needs_no_download(kanade: Office) -> None:
    async with answering(kanade, ["pc-01"]):
        done = await asyncio.to_thread(kanade.call, "check", "--role", "operator", COLUMNS="400")

    names = {line.split()[1] for line in done.out.splitlines()}
    assert (done.code, names & {"token", "download", "gateway"}) == (0, set())


async def test_who_only_looks_at_the_status_needs_only_nats(office: Office) -> None:
    done = await asyncio.to_thread(office.call, "check", "--role", "viewer", COLUMNS="400")

    assert done.code == 0
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        ["ok", "settings"],
        ["ok", "nats"],
        ["ok", "rights"],
    ]


async def test_where_no_host_answers_nothing_is_said_of_agents(kanade: Office) -> None:
    done = await asyncio.to_thread(kanade.call, "check", COLUMNS="400")

    marks = {line.split()[1]: line.split()[0] for line in first_lines(done)}
    assert done.code == 4
    assert [marks[name] for name in ("hosts", "clocks", "agents")] == ["FAIL", "ok", "--"]


@pytest.mark.usefixtures("nobody_there")
async def test_without_settings_that_is_what_is_missing_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = await asyncio.to_thread(call, "check", environment={"COLUMNS": "300"})

    assert done.code == 2
    assert done.out.startswith(f"FAIL  settings  {NO_SETTINGS}\n")


async def test_it_can_be_watched_until_nothing_is_missing(office: Office) -> None:
    only_a_job = small_fleet.files("1.0.0")
    del only_a_job["releases/tool.yaml"], only_a_job["jobs/install-tool.yaml"]
    office.repository.commit(only_a_job)
    with office.started("check", "--watch") as process:
        lines = (line.decode() for line in iter(process.stdout.readline, b""))  # type: ignore[union-attr]
        assert await asyncio.to_thread(_any, lines, "FAIL  kanade ")
        async with connected(office.nats_url) as connection:
            await make_kanade(connection)
        said = await asyncio.to_thread(lambda: [*lines])

        assert await asyncio.to_thread(process.wait) == 0
        again = said[[line.split()[1] for line in said].index("gateway") + 1 :]
        assert "ok    kanade" in again[0]
        assert not any(line.split()[1] in {"settings", "nats", "git"} for line in again)


async def test_what_is_watched_can_be_read_by_a_machine(office: Office) -> None:
    with office.started("check", "--watch", "-o", "json") as process:
        first = await asyncio.to_thread(read_json, process)
        async with connected(office.nats_url) as connection:
            await make_kanade(connection)
        found = await asyncio.to_thread(read_json, process)

    assert _state_of(first, "kanade") == "failed"
    assert _state_of(found, "kanade") == "ok"


def _state_of(found: object, name: str) -> str:
    assert isinstance(found, list)
    [state] = [item["state"] for item in found if item["name"] == name]
    return str(state)


def _any(lines: Iterator[str], begun: str) -> bool:
    return any(line.startswith(begun) for line in lines)


@pytest.mark.parametrize(("kind", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
async def test_a_machine_can_read_what_is_missing(
    office: Office, kind: str, read: Callable[[str], object]
) -> None:
    done = await asyncio.to_thread(office.call, "check", "-o", kind, COLUMNS="400")

    found = read(done.out)
    assert isinstance(found, list)
    states = {item["name"]: item["state"] for item in found}
    server = office.nats_url.rpartition("@")[2]
    assert (done.code, states["kanade"], states["clocks"]) == (4, "failed", "skipped")
    assert [item["said"] for item in found if item["name"] == "kanade"] == [
        [f"stream EXEC on nats://{server}: not found; is the kanade backend running?"]
    ]
