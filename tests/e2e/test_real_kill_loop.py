"""The kill loop on kanade's own backend and agents; only the service that they update is light."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import nats
import pytest

from reconciler.lab.fleet import Lab, LabOptions
from tests.contract.real_kanade import HTTP_TOKEN, NATS_TOKEN, RealAgent, RealBackend
from tests.support.lives import live_and_die
from tests.support.playground import playground

pytestmark = pytest.mark.kanade

_OPTIONS = LabOptions(token=HTTP_TOKEN, nats_token=NATS_TOKEN)


@asynccontextmanager
async def kanades_own(lab: Lab, folder: Path) -> AsyncIterator[None]:
    """Put the real backend and the real agents in the place of the lab's."""
    port = lab.backend.settings.port
    environments = {host: lab.environment(host) for host in lab.hosts}
    client = await nats.connect(lab.nats_url, token=NATS_TOKEN)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        for part in (*lab.agent_parts, lab.backend):
            await part.kill()
        own = next(iter(environments.values()))
        await stack.enter_async_context(RealBackend(folder / "backend", lab.nats_url, port, own))
        for host, environment in environments.items():
            agent = RealAgent(host, folder / host, client, lab.nats_url, environment)
            await stack.enter_async_context(agent)
        yield


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_thirty_lives_and_twenty_versions(mode: str, tmp_path: Path) -> None:
    """What holds for the lab holds for kanade itself."""
    async with (
        playground(tmp_path, mode, options=_OPTIONS) as world,
        kanades_own(world.lab, tmp_path / "kanade"),
    ):
        await live_and_die(world, lives=30, versions=20, name="real_")
