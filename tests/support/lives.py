"""The controller is killed again and again while versions are committed."""

import asyncio
import random

from tests.support.controller_part import Controller
from tests.support.playground import HOSTS, Playground
from tests.support.reliability import report


async def live_and_die(world: Playground, *, lives: int, versions: int, name: str) -> None:
    """Kill *lives* controllers at random instants, and let one more bring things to an end.

    The figures are kept under *name*; every version is committed within the life of one.
    """
    controller = world.controller()
    committed = await _commit_and_kill(world, controller, lives, versions)
    await controller.start()
    await world.converged(committed[-1])
    await controller.stop()
    assert controller.exit_code == 0
    effects = world.effects
    report(
        **{
            f"{name}kills": lives,
            f"{name}versions": versions,
            f"{name}hosts": len(HOSTS),
            f"max_{name}effects_per_wish": max(effects.values()),
            f"{name}effects_of_last_version": sum(effects[host, committed[-1]] for host in HOSTS),
        }
    )
    world.assert_once(committed, committed[-1])


async def _commit_and_kill(
    world: Playground, controller: Controller, lives: int, versions: int
) -> list[str]:
    chance = random.Random(20261123)
    committed: list[str] = []
    for number in range(lives):
        await controller.start()
        if number * versions >= len(committed) * lives:
            committed.append(f"1.0.{len(committed) + 1}")
            world.bump(committed[-1])
        await asyncio.sleep(chance.uniform(0.2, 3.0))
        await controller.kill()
    assert len(committed) == versions
    return committed
