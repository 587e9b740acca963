"""Prunes by a whole controller on a fleet in memory: what goes, what stays, what comes back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.identity import JobId, ObjectRef, SecretName
from reconciler.model.pruning import PruneApproval
from reconciler.model.snapshot import Snapshot
from reconciler.plan.terms import Terms
from tests.support.fake_agents import FakeAgent, obedient
from tests.support.fake_world import World
from tests.support.fakes import Fakes, connect, populate
from tests.support.small_fleet import binary_of, commit
from tests.support.snapshots import snapshot_of

EXTRA = JobId("cleanup")
EXTRA_FILE = "id: cleanup\nversion: '1'\nexecute: {shell: sh, script: 'true', timeout: 20s}\n"
HOSTS = ("pc-01", "pc-02")


class Scene:
    """A fleet that obeys, and a controller that leads."""

    def __init__(self, world: World, fakes: Fakes, agents: list[FakeAgent]) -> None:
        self.world = world
        self.fakes = fakes
        self.agents = agents

    async def ask_for(self, snapshot: Snapshot, passes: int = 6) -> None:
        """Commit, and let everybody work until nothing is left to do."""
        self.world.repository.commit(snapshot)
        await self.fakes.revisions.fetch()
        in_force = self.fakes.revisions.in_force
        assert in_force is not None
        assert in_force.snapshot == snapshot
        for agent in self.agents:
            agent.programs = obedient(in_force.desired)
        for _ in range(passes):
            await self.step()

    async def step(self) -> None:
        await self.fakes.lease.attempt()
        assert await self.fakes.work.make(self.fakes.revisions.standing) is not None
        self.world.clock.advance(timedelta(seconds=1))
        for agent in self.agents:
            agent.beat()
            agent.work()

    def versions(self, store: str) -> list[str]:
        return sorted(ref.version for ref in self.world.stores[store])

    def told(self, kind: str) -> list[str]:
        return [event.message for event in self.world.own.events if event.kind == kind]


@pytest.fixture
async def scene() -> Scene:
    world = World()
    world.secrets[SecretName("tool-token")] = "a viewer's token"
    first = commit("1.0.0", HOSTS)
    world.repository.commit(first)
    fakes = connect(world)
    await fakes.lease.attempt()
    await fakes.revisions.fetch()
    assert fakes.revisions.in_force is not None
    agents = list(populate(world, fakes.revisions.in_force.desired).values())
    made = Scene(world, fakes, agents)
    await made.ask_for(first)
    return made


async def test_of_six_versions_the_newest_and_three_older_ones_stay(scene: Scene) -> None:
    for minor in range(1, 6):
        await scene.ask_for(commit(f"1.{minor}.0", HOSTS))

    expected = ["1.2.0", "1.3.0", "1.4.0", "1.5.0"]
    for store in ("app_packages", "scripts"):
        assert scene.versions(store) == expected
    assert sorted(ref.version for ref in scene.world.own.packages) == expected
    assert sorted(ref.version for ref in scene.world.own.scripts) == expected
    assert [message.split(" was ")[0] for message in scene.told("Pruned")] == [
        "the record of tool 1.0.0",
        "package tool/1.0.0",
        "script deploy-tool/1.0.0",
        "the record of tool 1.1.0",
        "package tool/1.1.0",
        "script deploy-tool/1.1.0",
    ]


async def test_what_a_sleeping_host_runs_stays_until_it_is_not_even_its_way_back(
    scene: Scene,
) -> None:
    patient = replace(scene.fakes.work, terms=Terms(prune_limit=50))
    scene.fakes = replace(scene.fakes, work=patient)
    sleeper = scene.agents.pop()
    sleeper.go_offline()
    scene.world.clock.advance(timedelta(minutes=5))
    for minor in range(1, 6):
        await scene.ask_for(commit(f"1.{minor}.0", HOSTS))
    assert "1.0.0" in scene.versions("app_packages")

    sleeper.go_online()
    scene.agents.append(sleeper)
    await scene.ask_for(commit("1.6.0", HOSTS))
    assert "1.0.0" in scene.versions("app_packages")
    await scene.ask_for(commit("1.7.0", HOSTS))

    assert scene.versions("app_packages") == ["1.4.0", "1.5.0", "1.6.0", "1.7.0"]
    assert sorted(record.version for record in scene.world.own.records.values()) == [
        "1.4.0",
        "1.5.0",
        "1.6.0",
        "1.7.0",
    ]


async def test_a_full_store_is_given_room_before_anything_is_published(scene: Scene) -> None:
    for minor in range(1, 4):
        await scene.ask_for(commit(f"1.{minor}.0", HOSTS))
    used = sum(kept.stored.size_bytes for kept in scene.world.stores["app_packages"].values())
    scene.world.room_bytes["app_packages"] = used + len(binary_of("1.4.0")) // 2

    await scene.ask_for(commit("1.4.0", HOSTS))

    assert scene.versions("app_packages") == ["1.1.0", "1.2.0", "1.3.0", "1.4.0"]
    assert scene.told("NoRoom") == []


async def test_without_anything_to_delete_a_full_store_is_told(scene: Scene) -> None:
    scene.world.room_bytes["app_packages"] = len(binary_of("1.0.0"))

    await scene.ask_for(commit("1.1.0", HOSTS))

    assert scene.versions("app_packages") == ["1.0.0"]
    assert scene.told("NoRoom") != []


async def test_a_job_that_was_taken_out_goes_and_comes_back_in_use(scene: Scene) -> None:
    jobs = {f"jobs/{name}.yaml": EXTRA_FILE.replace("cleanup", name) for name in ("a", "b", "c")}
    both = {**jobs, "jobs/cleanup.yaml": EXTRA_FILE}
    await scene.ask_for(commit("1.0.0", HOSTS, both))
    assert EXTRA in scene.world.jobs

    await scene.ask_for(commit("1.0.0", HOSTS, jobs))
    assert EXTRA not in scene.world.jobs
    assert EXTRA in scene.world.revoked

    await scene.ask_for(commit("1.0.0", HOSTS, both))
    assert EXTRA in scene.world.jobs
    assert EXTRA not in scene.world.revoked


async def test_a_folder_that_vanished_deletes_nothing_until_a_person_agrees(scene: Scene) -> None:
    names = ("a", "b", "c", "d")
    jobs = {f"jobs/{name}.yaml": EXTRA_FILE.replace("cleanup", name) for name in names}
    await scene.ask_for(commit("1.0.0", HOSTS, jobs))

    await scene.ask_for(commit("1.0.0", HOSTS))
    assert set(names) <= set(scene.world.jobs)
    assert len(scene.told("PruneHeld")) == 1
    held = scene.world.own.status.controller.held_prune
    assert held is not None

    word = PruneApproval(items=held.items, approver="mika", at=scene.world.clock.now())
    await (await scene.world.own.book()).approve_prune(word)
    await scene.step()
    await scene.step()
    assert not set(names) & set(scene.world.jobs)
    assert scene.world.own.status.controller.held_prune is None


async def test_a_broken_or_empty_revision_deletes_nothing(scene: Scene) -> None:
    before = set(scene.world.jobs)
    for snapshot in (snapshot_of({}), snapshot_of({"README.md": "gone"})):
        scene.world.repository.commit(snapshot)
        await scene.fakes.revisions.fetch()
        await scene.step()

    assert set(scene.world.jobs) == before
    assert ObjectRef("tool", "1.0.0") in scene.world.stores["app_packages"]
    assert scene.told("Pruned") == []
