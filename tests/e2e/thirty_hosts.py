"""Thirty hosts of three agents, updated in waves: one by name, a tenth, and the rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from reconciler.lab.fleet import LabOptions
from reconciler.lab.service import build_service
from reconciler.model.plan import State
from reconciler.model.status import ReleaseStatus, Status
from tests.support.playground import FIRST, Playground, playground

HOSTS = tuple(f"host-{number:02}" for number in range(1, 31))
CANARY = HOSTS[0]
AT_ONCE = 10
"""So many hosts of the last wave are under way at a time."""
LONG = timedelta(seconds=300)
_LIGHT = LabOptions(heartbeat_seconds=2, drain_seconds=0.2, hosts_per_agent=10)


@asynccontextmanager
async def thirty_hosts(
    folder: Path, *, more: str = "", hook: str = ":"
) -> AsyncIterator[Playground]:
    """Give the fleet when all of it is proved to run the first version, under one controller.

    *more* is what else the controller's settings say; *hook* is as that of `playground`.
    """
    async with playground(folder, hosts=HOSTS, options=_LIGHT, hook=hook, waves=True) as made:
        waves = f"- {{name: canary, hosts: [{CANARY}]}}\n    - {{name: tenth, percent: 10}}"
        made.repository.edit("- {name: canary, hosts: 1}", waves)
        made.repository.edit("max_in_flight: 3", f"max_in_flight: {AT_ONCE}")
        made.repository.edit("every: 5s", "every: 1h")
        made.repository.bump(FIRST, build_service(FIRST), "Go in waves")
        await made.controller(more=more).start()
        await made.converged(FIRST, LONG)
        yield made


def release(status: Status) -> ReleaseStatus:
    """Return the only release."""
    [found] = status.releases.values()
    return found


def under_way(status: Status) -> int:
    """Return how many hosts have a command that has not ended."""
    states = [host.state for host in status.hosts.values()]
    return states.count(State.DISPATCHED) + states.count(State.RUNNING)
