"""Hosts, their clocks and their agents, as they answer when they are asked."""

import re
from datetime import timedelta

import pytest

from reconciler.cli.checks import fleet
from reconciler.lab.fleet import Lab
from tests.cli.answering import answering
from tests.cli.checks.conftest import AGENT, files, surveyed, told
from tests.cli.conftest import Office
from tests.support import small_fleet
from tests.support.clock import FakeClock

pytestmark = pytest.mark.asyncio(loop_scope="session")

OLD = "tool: below agent 0.42.2: pc-01"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("requires: {agent: '>=0.42.1'}\n", ["ok", f"{AGENT} on 1"]),
        (
            "requires: {agent: '>=0.42.2'}\n",
            ["FAIL", f"{OLD}; name an `upgrade_agent` in the release, or: kanade agent rollout"],
        ),
        (
            "requires: {agent: '>=0.42.2'}\nupgrade_agent: '0.43.0'\n",
            ["FAIL", f"{OLD}; publish agent 0.43.0: kanade agent publish"],
        ),
    ],
)
async def test_agents_that_are_too_old_are_told_with_what_makes_them_newer(
    desk: Office, lab: Lab, more: str, expected: list[str]
) -> None:
    survey = surveyed(desk, files(lab.backend_url, more))

    assert await told(fleet.hosts, survey) == ["ok", "1 of 1 host answered"]
    assert await told(fleet.agents, survey) == expected


@pytest.mark.parametrize(
    ("ahead", "wrong"),
    [(0, ""), (5, ""), (-180, r"\d+m(\d+s)? behind"), (200, r"\d+m(\d+s)? ahead of")],
)
async def test_a_host_with_a_wrong_clock_is_told(desk: Office, ahead: int, wrong: str) -> None:
    survey = surveyed(desk, small_fleet.files("1.0.0", ["pc-01", "pc-07"]))
    async with answering(desk, ["pc-07"], timedelta(seconds=ahead)):
        assert await told(fleet.hosts, survey) == ["ok", "2 of 2 hosts answered"]
    mark, *lines = await told(fleet.clocks, survey)

    if not wrong:
        assert [mark, *lines] == ["ok", "the clocks of NATS and 2 hosts agree with ours"]
    else:
        assert re.fullmatch(f"the clock of pc-07 is {wrong} ours", lines[0])
        assert (mark, lines[1:]) == ("FAIL", ["up to 10s do no harm: set up NTP there"])


async def test_a_clock_of_ours_that_is_wrong_shows_in_that_of_nats(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "SystemClock", FakeClock)

    mark, line, _ = await told(fleet.clocks, surveyed(desk))

    assert mark == "FAIL"
    assert line.startswith("the clock of NATS is ")


async def test_some_hosts_may_be_away_and_not_all_of_them(desk: Office) -> None:
    away = [f"away-{number}" for number in range(7)]
    some = surveyed(desk, small_fleet.files("1.0.0", ["pc-01", *away]))
    none = surveyed(desk, small_fleet.files("1.0.0", away))

    names = "away-0, away-1, away-2, away-3, away-4 and 2 more"
    assert await told(fleet.hosts, some) == ["ok", f"1 of 8 hosts answered; not {names}"]
    mark, line, fix = await told(fleet.hosts, none)
    assert (mark, line) == ("FAIL", f"0 of 7 hosts answered: {names}")
    assert "use this NATS server and account" in fix


async def test_a_fleet_without_hosts_is_in_order(desk: Office) -> None:
    made = small_fleet.files("1.0.0")
    del made["releases/tool.yaml"], made["jobs/install-tool.yaml"]
    survey = surveyed(desk, made)

    assert await told(fleet.hosts, survey) == ["ok", "0 of 0 hosts answered"]
    assert await told(fleet.agents, survey) == ["ok", "there is no host"]
