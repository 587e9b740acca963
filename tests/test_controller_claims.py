"""Jobs that people have registered by hand, from the day that git says the same of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.desired.load import load
from reconciler.model.identity import JobId, SecretName, Version
from reconciler.model.snapshot import Snapshot
from reconciler.plan.manifest import complete, job_version
from tests.support.fake_world import KeptJob, World
from tests.support.fakes import Fakes, connect
from tests.support.small_fleet import commit, files

PROBE = JobId("probe-tool")
SNAPSHOT = commit("1.0.0")
_PROBE_FILE = str(files("1.0.0")["jobs/probe-tool.yaml"])


def edited(words: str) -> Snapshot:
    """Return a later commit, whose probe says *words*."""
    changes = {"jobs/probe-tool.yaml": _PROBE_FILE.replace("tool absent", words)}
    return commit("1.0.0", changes=changes)


@pytest.fixture
async def led() -> tuple[World, Fakes]:
    """A fleet where the probe was registered by hand, and the controller that leads."""
    world = World()
    world.secrets[SecretName("tool-token")] = "a viewer's token"
    world.repository.commit(SNAPSHOT)
    job = load(SNAPSHOT).jobs[PROBE]
    manifest = complete(job, version=job_version(job), script=None, repo="")
    by_hand = {name: value for name, value in manifest.items() if name != "origin"}
    world.jobs[PROBE] = KeptJob(manifest=by_hand, yaml=job.yaml, sequence=world.next_sequence())
    world.pins[PROBE] = Version("1")
    fakes = connect(world)
    await fakes.lease.attempt()
    await fakes.revisions.fetch()
    return world, fakes


async def make(world: World, fakes: Fakes) -> list[str]:
    """Make a pass, and return what it wrote of the probe's job."""
    before = len(world.weather.calls)
    await fakes.work.make(fakes.revisions.standing)
    world.clock.advance(timedelta(seconds=1))
    calls = world.weather.calls[before:]
    return [call for call in calls if call.startswith(("jobs.", "inventory.own_job"))]


def words_of(world: World) -> str:
    execute = world.jobs[PROBE].manifest["execute"]
    assert isinstance(execute, dict)
    return str(execute["script"])


async def test_it_becomes_ours_once_and_is_not_written(led: tuple[World, Fakes]) -> None:
    world, fakes = led
    before = world.jobs[PROBE]

    first, second = await make(world, fakes), await make(world, fakes)

    assert first.count("inventory.own_job") == 2, "the probe's, and that of the install's upsert"
    assert second == []
    assert world.jobs[PROBE] is before
    assert PROBE in world.own.owned_jobs


async def test_a_later_commit_changes_it_and_marks_it(led: tuple[World, Fakes]) -> None:
    world, fakes = led
    await make(world, fakes)
    world.repository.commit(edited("nothing there"))
    await fakes.revisions.fetch()

    await make(world, fakes)

    assert words_of(world) == "echo nothing there"
    assert world.jobs[PROBE].manifest["origin"] == {
        "path": "jobs/probe-tool.yaml",
        "repo": SNAPSHOT.origin,
    }


async def test_a_hand_that_edits_it_is_undone(led: tuple[World, Fakes]) -> None:
    world, fakes = led
    await make(world, fakes)
    kept = world.jobs[PROBE]
    manifest = {**kept.manifest, "description": "mine"}
    world.jobs[PROBE] = replace(kept, manifest=manifest, sequence=world.next_sequence())

    await make(world, fakes)

    assert "description" not in world.jobs[PROBE].manifest


async def test_who_only_looks_makes_nothing_his(led: tuple[World, Fakes]) -> None:
    world, fakes = led
    work = replace(fakes.work, terms=replace(fakes.work.terms, observe_only=True))

    await work.make(fakes.revisions.standing)

    assert world.own.owned_jobs == {}
