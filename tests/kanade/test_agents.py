"""The agents' own releases, told over NATS and through the backend: embedded and kanade's own."""

import asyncio
import json

import pytest

from reconciler.errors import KanadeRefused
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.agents import HttpAgentRollout, NatsAgentRollout, NatsAgents
from reconciler.kanade.audit import Audit
from reconciler.kanade.names import AGENT_CONFIG, AGENT_RELEASES
from reconciler.lab.objects import ObjectStore, once
from reconciler.model.identity import HostName, Version
from reconciler.ports import AgentRollout
from tests.contract.commands import unique
from tests.support.adapters import Adapters, WallClock

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_ways = pytest.mark.parametrize("way", ["nats", "http"])


def rollout(adapters: Adapters, way: str) -> AgentRollout:
    if way == "http":
        return HttpAgentRollout(adapters.writer)
    return NatsAgentRollout(adapters.connection, Audit(adapters.connection, WallClock()))


async def publish(adapters: Adapters, version: str) -> None:
    """Put a release of the agent for Linux into its store, as `kanade agent publish` does."""
    store = ObjectStore(adapters.fleet.client, AGENT_RELEASES)
    await store.put(f"{version}-linux-x86_64", once(b"an agent"))


@both_ways
async def test_a_host_is_told_its_agent_and_keeps_what_else_is_set(
    adapters: Adapters, way: str
) -> None:
    version, host = f"9.9.{len(way)}", HostName(unique("pc"))
    await publish(adapters, version)
    bucket = Bucket(adapters.connection, AGENT_CONFIG)
    await bucket.put(f"pcs.{host}", b'{"heartbeat_interval": "45s"}')
    agents = NatsAgents(adapters.connection)
    await agents.start()
    assert Version(version) in agents.releases()
    assert host not in agents.targets()

    await rollout(adapters, way).roll_out(host, Version(version))

    await agents.refresh()
    assert agents.targets()[host].version == version
    found = await bucket.get(f"pcs.{host}")
    assert found is not None
    expected = {"heartbeat_interval": "45s", "target_version": version}
    told = {key: value for key, value in json.loads(found.data).items() if value is not None}
    assert told == expected
    await agents.stop()


async def test_a_release_that_is_not_there_is_refused_by_the_backend(adapters: Adapters) -> None:
    with pytest.raises(KanadeRefused, match=r"0\.0\.404.*kanade agent publish"):
        await rollout(adapters, "http").roll_out(HostName("pc-01"), Version("0.0.404"))


async def test_what_is_told_shows_without_asking_for_it(adapters: Adapters) -> None:
    rung = asyncio.Event()
    agents = NatsAgents(adapters.connection, rung.set)
    await agents.start()
    rung.clear()

    await rollout(adapters, "nats").roll_out(HostName(unique("pc")), Version("1.2.3"))

    async with asyncio.timeout(60):
        await rung.wait()
    await agents.stop()
