"""Windows, suspensions and overrides with a whole controller, in virtual time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from reconciler.model.approval import Gate, Override
from reconciler.model.identity import Version
from reconciler.model.observed import Suspension
from tests.support import small_fleet
from tests.support.builders import NOON
from tests.support.simulation import TOOL, Simulation
from tests.support.small_fleet import commit
from tests.support.virtual_time import in_virtual_time

HOSTS = ("pc-01", "pc-02", "pc-03", "pc-04")
RELEASE = str(small_fleet.files("1.0.0")["releases/tool.yaml"])
ONE_AT_A_TIME = RELEASE.replace("max_in_flight: 10", "max_in_flight: 1")


def fleet_with(line: str, run_seconds: float = 20.0) -> Simulation:
    text = f"{ONE_AT_A_TIME}{line}\n"
    fleet = Simulation.of(commit("1.0.0", HOSTS, {"releases/tool.yaml": text}))
    return replace(fleet, run_seconds=run_seconds)


def begun(fleet: Simulation) -> int:
    return sum(map(bool, fleet.installs().values()))


@in_virtual_time
async def test_when_a_window_closes_what_runs_finishes_and_nothing_new_starts() -> None:
    fleet = fleet_with("windows: [{deny: '2 12 * * *', duration: 1h}]")
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.world.clock.now() >= NOON + timedelta(minutes=2))
        started = begun(fleet)
        assert 0 < started < len(HOSTS)

        await asyncio.sleep(59 * 60)

        assert begun(fleet) == started
        finished = [version for version in fleet.versions().values() if version == "1.0.0"]
        assert len(finished) == started
        release = fleet.world.own.status.releases[TOOL]
        assert "no maintenance window is open until 2026-11-23 13:02 UTC" in release.waits_for

        await fleet.until(lambda: fleet.all_run("1.0.0"), timedelta(minutes=10))


@in_virtual_time
async def test_an_override_lets_it_go_on_and_ends_by_itself() -> None:
    fleet = fleet_with("windows: [{deny: '0 12 * * *', duration: 6h}]", run_seconds=60)
    async with fleet.living(), fleet.controller():
        await asyncio.sleep(5 * 60)
        assert begun(fleet) == 0
        at = fleet.world.clock.now()
        word = Override(
            release=TOOL,
            fingerprint=fleet.world.own.status.releases[TOOL].fingerprint,
            gate=Gate.WINDOW,
            approver="mika",
            at=at,
            until=at + timedelta(minutes=2),
            reason="the data centre moves",
        )
        await (await fleet.world.own.book()).override(word)
        fleet.world.changed()

        await asyncio.sleep(60 * 60)

        assert 0 < begun(fleet) < len(HOSTS)
        kinds = [event.kind for event in fleet.world.own.events]
        assert kinds.count("Overridden") == 1


@in_virtual_time
async def test_a_suspension_ends_by_itself_at_the_very_moment() -> None:
    fleet = fleet_with("suspend: false", run_seconds=2)
    until = NOON + timedelta(minutes=7)
    word = Suspension(release=TOOL, by="mika", reason="the fair", since=NOON, until=until)
    await (await fleet.world.own.book()).suspend(word)
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.world.clock.now() >= until - timedelta(seconds=2))
        assert not fleet.world.slots
        assert "the fair" in fleet.world.own.status.releases[TOOL].waits_for

        await fleet.until(lambda: bool(fleet.world.slots), timedelta(seconds=5))
        await fleet.until(lambda: fleet.all_run("1.0.0"), timedelta(minutes=10))
    assert set(fleet.versions().values()) == {Version("1.0.0")}
