"""A maintenance window closes in the middle of a wave over thirty real hosts, and opens again."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cli.clock import SystemClock
from reconciler.model.status import Status
from tests.e2e.thirty_hosts import AT_ONCE, HOSTS, LONG, release, thirty_hosts, under_way
from tests.support.playground import Playground

pytestmark = pytest.mark.slow

NEXT = "1.0.1"
FIRST_WAVES = 3
_SHUT = "no maintenance window is open"


def shut(world: Playground, begin: datetime, length: timedelta) -> None:
    """Commit that nothing starts from *begin* on, for *length*; that makes no other release."""
    file = world.repository.state / "releases" / "kanade-backend.yaml"
    text = file.read_text().partition("windows:")[0]
    seconds = int(length.total_seconds())
    window = f"windows:\n  - {{deny: '{begin.minute} {begin.hour} * * *', duration: {seconds}s}}\n"
    file.write_text(text + window)
    world.bump(NEXT)


def waits(status: Status) -> bool:
    return _SHUT in release(status).waits_for


async def test_what_runs_finishes_nothing_starts_and_the_rest_goes_on_later(
    tmp_path: Path,
) -> None:
    """Ten hosts are in the middle of their installs when it closes, and do not know."""
    effects, go = tmp_path / "effects", tmp_path / "go"
    hook = (
        f'if [ "$1" = swapped ] && [ "$(grep -c " {NEXT}$" "{effects}")" -gt {FIRST_WAVES} ]; '
        f'then while [ ! -e "{go}" ]; do sleep 0.2; done; fi'
    )
    async with thirty_hosts(tmp_path, hook=hook) as world:
        world.bump(NEXT)
        await world.told(lambda status: under_way(status) == AT_ONCE, "the last wave", LONG)
        ran = len(world.effects)
        now = SystemClock().now()
        closes = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
        shut(world, closes, timedelta(hours=1))

        await world.told(waits, "the window has closed", LONG)
        assert SystemClock().now() >= closes
        go.touch()
        await world.told(lambda status: under_way(status) == 0, "what ran has finished", LONG)

        status = await world.status()
        assert status is not None
        assert waits(status)
        proved = [host.host for host in status.hosts.values() if host.running == NEXT]
        assert len(proved) == FIRST_WAVES + AT_ONCE >= ran
        assert {host for host, _ in world.effects} == set(proved)

        began = closes - timedelta(minutes=2)
        shut(world, began, SystemClock().now() - began + timedelta(seconds=3))
        await world.converged(NEXT, LONG)
        world.assert_once([], NEXT)
        assert len(world.effects) == len(HOSTS)
