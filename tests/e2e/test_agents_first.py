"""A release that needs a newer agent: the agents update themselves, then the release goes on."""

from pathlib import Path

import nats
import pytest

from reconciler.lab.objects import ObjectStore, once
from tests.support.playground import FIRST, playground

pytestmark = pytest.mark.slow

NEWER = "0.102.0"


async def test_an_agent_is_brought_to_the_release_that_is_asked_for(tmp_path: Path) -> None:
    async with playground(tmp_path) as fleet:
        client = await nats.connect(fleet.lab.nats_url)
        store = ObjectStore(client, "agent_releases")
        await store.put(f"{NEWER}-linux-x86_64", once(b"a newer agent"))
        await client.close()
        await fleet.controller().start()
        await fleet.converged(FIRST)
        rule = f'requires: {{agent: ">={NEWER}"}}\nupgrade_agent: "{NEWER}"\njob: install'
        fleet.repository.edit("job: install", rule)
        fleet.bump("2.0.0")

        await fleet.converged("2.0.0")

        log = fleet.controllers[0].lines("step done")
        order = [line for line in log if "rollout-agent" in line or "exec-job" in line]
        for host in fleet.lab.hosts:
            mine = [line for line in order if host in line]
            assert ["rollout-agent" in line for line in mine] == [True, False]
