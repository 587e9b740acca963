"""The backend that serves downloads is what is broken: the way back does not need it."""

import os
from pathlib import Path

import pytest

from reconciler.lab.fleet import LabOptions
from reconciler.lab.ports import free_port
from reconciler.lab.service import build_service
from tests.e2e.gateway import (
    GATEWAY_KEY,
    NOTHING_TO_PUT_BACK,
    download_from_gateway,
    gateway_settings,
    go_back,
    has_failed,
    is_back,
)
from tests.support.nats import eventually
from tests.support.playground import FIRST, Playground, playground

pytestmark = pytest.mark.slow

HOST = "backend-01"
BROKEN = "2.0.0"
_OPTIONS = LabOptions(heartbeat_seconds=1, drain_seconds=0.2)


async def bump_to_broken(world: Playground, *, on_failure: str) -> None:
    """Commit a version that never starts, while the backend is down for good.

    Hosts download from the second of two controllers, which does not lead.
    """
    port = free_port()
    download_from_gateway(world.repository, port, on_failure)
    world.repository.bump(FIRST, build_service(FIRST), "Download from the gateway")
    await world.controller(more=gateway_settings(free_port())).start()
    await world.converged(FIRST)
    standby = world.controller("second", more=gateway_settings(port))
    await standby.start()
    await eventually(lambda: bool(standby.lines("listening")))
    await world.lab.backend.kill()
    world.repository.bump(BROKEN, build_service(BROKEN, broken=True), f"Bump to {BROKEN}")


def assert_downloaded_in_spite_of_all(world: Playground) -> None:
    """Both versions came from the controller that does not lead, each of them once."""
    leader, standby = (world.controllers[at].lines('"download"') for at in (0, -1))
    assert (len(leader), len(standby)) == (0, 2)
    assert f"kanade-backend/{FIRST}" in standby[1]
    assert not world.lab.backend.alive
    assert world.effects == {(HOST, BROKEN): 1, (HOST, FIRST): 1}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TEST_GATEWAY_KEY", GATEWAY_KEY)


async def test_a_rollback_while_the_backend_never_comes_up_again(tmp_path: Path) -> None:
    """Commands go over NATS, and the old version's bytes come from the controller."""
    async with playground(tmp_path, "nats", [HOST], _OPTIONS, NOTHING_TO_PUT_BACK) as world:
        await bump_to_broken(world, on_failure="rollback")

        await world.told(lambda status: is_back(status, FIRST), "the host has gone back")

        assert_downloaded_in_spite_of_all(world)
        running = await world.lab.running(HOST)
        assert running is not None
        assert running.version == FIRST


async def test_a_commit_back_while_the_backend_never_comes_up_again(tmp_path: Path) -> None:
    """Without `on_failure: rollback` a person asks for the old version again."""
    async with playground(tmp_path, "nats", [HOST], _OPTIONS, NOTHING_TO_PUT_BACK) as world:
        await bump_to_broken(world, on_failure="hold")
        await world.told(has_failed, "the new version has failed")
        assert await world.lab.running(HOST) is None

        go_back(world.repository, FIRST, build_service(FIRST))
        await world.converged(FIRST)

        assert_downloaded_in_spite_of_all(world)
