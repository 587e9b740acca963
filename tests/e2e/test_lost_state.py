"""Everything that we keep is lost, and what kanade remembers, too: no service is restarted."""

from pathlib import Path

import nats
import pytest

from reconciler.cli.clock import SystemClock
from tests.support.playground import FIRST, Playground, playground

pytestmark = pytest.mark.slow

_OURS = ("KV_reconciler_state", "KV_reconciler_requests", "RECONCILER_EVENTS")


async def lose_everything(world: Playground) -> None:
    client = await nats.connect(world.lab.nats_url)
    jetstream = client.jetstream()
    for stream in _OURS:
        await jetstream.delete_stream(stream)
    for stream in ("RESULTS", "EVENTS"):
        await jetstream.purge_stream(stream)
    await client.close()


@pytest.mark.parametrize("mode", ["nats", "backend"])
@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
async def test_after_a_loss_hosts_are_looked_at_and_left_alone(
    mode: str, *, running: bool, tmp_path: Path
) -> None:
    """Whether the controller is stopped meanwhile, or loses its buckets while it runs."""
    async with playground(tmp_path, mode) as world:
        controller = world.controller()
        await controller.start()
        await world.converged(FIRST)
        world.bump("1.0.1")
        await world.converged("1.0.1")
        before = await world.pids()
        if not running:
            await controller.stop()
        await lose_everything(world)
        if not running:
            await controller.start()

        await world.converged("1.0.1")
        moment = SystemClock().now()
        await world.told(
            lambda status: all(
                host.proved_at is not None and host.proved_at > moment
                for host in status.hosts.values()
            ),
            "all hosts were looked at once more",
        )
        assert await world.pids() == before
        world.assert_once(["1.0.1"], "1.0.1")
        world.bump("1.0.2")
        await world.converged("1.0.2")
        world.assert_once(["1.0.1", "1.0.2"], "1.0.2")
