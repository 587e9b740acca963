"""A new epoch has new tokens: the script is published anew, and no converged host is touched."""

from datetime import timedelta

from reconciler.desired.load import load
from reconciler.model.attempt import Purpose
from reconciler.model.identity import HostName, ObjectRef
from tests.support.fake_source import GATEWAY_KEY
from tests.support.fake_world import World
from tests.support.fakes import connect, populate
from tests.support.small_fleet import commit, files

PC = HostName("pc-01")
RELEASE = str(files("1.0.0")["releases/tool.yaml"])
SNAPSHOT = commit(
    "1.0.0",
    hosts=("pc-01",),
    changes={"releases/tool.yaml": RELEASE.replace("{secret: tool-token}", "{gateway: token}")},
)
PLAIN = ObjectRef("deploy-tool", "1.0.0")


async def test_an_epoch_later_the_script_is_another_one_and_nothing_is_installed() -> None:
    world = World()
    world.repository.commit(SNAPSHOT)
    desired = load(SNAPSHOT)
    (release,) = desired.releases
    fakes = connect(world)
    agent = populate(world, desired)[PC]
    await fakes.lease.attempt()
    await fakes.revisions.fetch()

    async def passes(count: int) -> None:
        for _ in range(count):
            assert await fakes.work.make(fakes.revisions.standing) is not None
            agent.work()
            world.clock.advance(timedelta(seconds=1))

    await passes(5)
    first = set(fakes.scripts.stored())
    installed = world.own.attempts[release.name, PC, Purpose.INSTALL]
    world.clock.advance(GATEWAY_KEY.epoch)
    agent.beat()
    await passes(5)

    assert first == {PLAIN}
    (fresh,) = set(fakes.scripts.stored()) - {PLAIN}
    assert str(fresh).startswith("deploy-tool/1.0.0.r")
    job = world.jobs[release.job.id].manifest
    assert isinstance(job["execute"], dict)
    assert job["execute"]["script_object"] == str(fresh)
    assert world.own.attempts[release.name, PC, Purpose.INSTALL] == installed
    assert world.own.status.releases[release.name].counts == {"converged": 1}
