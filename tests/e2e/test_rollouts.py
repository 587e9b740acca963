"""Rollouts over thirty real hosts: a bad version stops early, explains itself and goes back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from reconciler.lab.service import build_service
from reconciler.model.host_log import HostLog
from reconciler.model.plan import State
from reconciler.model.status import Status
from tests.e2e.thirty_hosts import CANARY, HOSTS, LONG, release, thirty_hosts
from tests.support.playground import FIRST, Playground
from tests.support.streams import connected

pytestmark = pytest.mark.slow

BAD = "2.0.0"


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Playground]:
    async with thirty_hosts(tmp_path) as made:
        yield made


def runs(status: Status, host: str) -> str | None:
    return next((item.running for item in status.hosts.values() if item.host == host), None)


def more_than(least: int, version: str) -> Callable[[Status], bool]:
    def there(status: Status) -> bool:
        return sum(item.running == version for item in status.hosts.values()) > least

    return there


def is_back(status: Status) -> bool:
    told = {(item.state, item.running, item.wanted) for item in status.hosts.values()}
    ready = {item.reason for item in release(status).conditions}
    return "Quarantined" in ready and told == {(State.CONVERGED, FIRST, FIRST)}


def touched(fleet: Playground, version: str) -> Sequence[str]:
    """Return the hosts where the deploy script has swapped to *version*."""
    return [host for host, swapped in fleet.effects if swapped == version]


async def on_the_first_version(fleet: Playground) -> bool:
    running = await asyncio.gather(*(fleet.lab.running(host) for host in HOSTS))
    return all(item is not None and item.version == FIRST for item in running)


async def test_a_canary_that_fails_is_the_only_host_touched(fleet: Playground) -> None:
    fleet.repository.bump(BAD, build_service(BAD, broken=True), "A bad one")

    await fleet.told(is_back, "all hosts are back", LONG)

    assert touched(fleet, BAD) == [CANARY]
    assert await on_the_first_version(fleet)
    status = await fleet.status()
    assert status is not None
    assert release(status).in_force == (FIRST,)
    assert "ServiceDidNotStart" in release(status).waits_for
    await asked_for_its_log_once(fleet)


async def asked_for_its_log_once(fleet: Playground) -> None:
    """What the canary had written down outlives its rollback, and the controller."""
    await fleet.told(lambda status: logs_of(status) != [], "the log of the canary is kept")
    status = await fleet.status()
    assert status is not None
    [log] = logs_of(status)
    assert (log.host, log.version, log.missing) == (CANARY, BAD, "")
    assert any(line.endswith(": taken") for line in log.lines)
    requests: list[str] = []

    async def note(message: Msg) -> None:
        requests.append(message.subject)

    async with connected(fleet.lab.nats_url) as listener:
        await listener.subscribe("logs.fetch.>", note)
        await fleet.controllers[0].kill()
        await fleet.controllers[0].start()
        fleet.bump("2.0.1")
        await fleet.converged("2.0.1", LONG)
    status = await fleet.status()
    assert status is not None
    assert (logs_of(status), requests) == ([log], [])


def logs_of(status: Status) -> Sequence[HostLog]:
    """Return the logs that have come, without those that are waited for."""
    return [log for log in status.logs.values() if "no answer" not in log.missing]


async def test_a_failure_in_the_second_wave_brings_back_whoever_was_touched(
    fleet: Playground,
) -> None:
    """The canary is proved first, so it goes back by a command of its own."""
    bad = build_service(BAD, broken=[host for host in HOSTS if host != CANARY])
    fleet.repository.bump(BAD, bad, "Good on the canary, and nowhere else")
    await fleet.told(lambda status: runs(status, CANARY) == BAD, "the canary is proved", LONG)

    await fleet.told(is_back, "all hosts are back", LONG)

    assert fleet.effects[CANARY, BAD] == fleet.effects[CANARY, FIRST] == 1
    others = [host for host in touched(fleet, BAD) if host != CANARY]
    assert 1 <= len(others) <= 2  # up to a tenth of thirty, the canary counted
    assert touched(fleet, FIRST) == [CANARY]
    assert await on_the_first_version(fleet)


async def test_a_controller_killed_in_the_middle_of_a_rollout_goes_on_where_it_was(
    fleet: Playground,
) -> None:
    fleet.bump("2.1.0")
    for least in (0, 10, 20):
        await fleet.told(more_than(least, "2.1.0"), f"more than {least} hosts are proved", LONG)
        await fleet.controllers[0].kill()
        await fleet.controllers[0].start()

    await fleet.converged("2.1.0", LONG)

    assert [fleet.effects[host, "2.1.0"] for host in HOSTS] == [1] * len(HOSTS)
