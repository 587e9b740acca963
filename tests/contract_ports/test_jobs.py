"""What the catalogue guarantees, whoever implements `ports.Jobs` and `ports.Catalogue`."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from reconciler.errors import Conflict, KanadeRefused
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.jobs import NatsCatalogue, NatsJobs
from reconciler.model.action import UpsertJob
from reconciler.model.identity import JobId, Version
from reconciler.ports import Catalogue, Jobs
from tests.contract_ports.conftest import Ground
from tests.support.builders import job
from tests.support.fake_stores import FakeCatalogue, FakeJobs

JOB = JobId("install-tool")


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The catalogue, seen by us and by somebody else."""

    catalogue: Catalogue
    jobs: Jobs
    their_catalogue: Catalogue
    their_jobs: Jobs
    revoke: Callable[[], Awaitable[None]]
    schedule: Callable[[], Awaitable[None]]
    """Let a schedule of kanade's name the job."""
    go_deaf: Callable[[], Awaitable[None]]
    """Let us hear of no more changes by ourselves."""


@pytest.fixture
async def registry(ground: Ground) -> AsyncIterator[Registry]:
    if ground.world is not None:
        yield _on_a_world(ground)
        return
    admin = ground.admin
    assert admin is not None
    pair = []
    for own in (await ground.connect(), await ground.connect()):
        catalogue = NatsCatalogue(own)
        await catalogue.start()
        ground.stack.push_async_callback(catalogue.stop)
        pair.append((catalogue, NatsJobs(own, catalogue)))
    statuses = Bucket(admin, "script_status")

    async def revoke() -> None:
        await statuses.put(JOB, b"REVOKED")

    async def schedule() -> None:
        text = json.dumps({"id": "nightly", "job_id": JOB})
        await Bucket(admin, "schedules").put("nightly", text.encode())

    yield Registry(
        catalogue=pair[0][0],
        jobs=pair[0][1],
        their_catalogue=pair[1][0],
        their_jobs=pair[1][1],
        revoke=revoke,
        schedule=schedule,
        go_deaf=pair[0][0].stop,
    )


def _on_a_world(ground: Ground) -> Registry:
    world = ground.world
    assert world is not None
    ours, theirs = FakeCatalogue(world), FakeCatalogue(world)

    async def revoke() -> None:
        world.revoked.add(JOB)

    async def schedule() -> None:
        world.schedules[JOB] = "nightly"

    async def go_deaf() -> None:
        return

    return Registry(
        catalogue=ours,
        jobs=FakeJobs(world, ours),
        their_catalogue=theirs,
        their_jobs=FakeJobs(world, theirs),
        revoke=revoke,
        schedule=schedule,
        go_deaf=go_deaf,
    )


def upsert(version: str) -> UpsertJob:
    spec = job(JOB)
    manifest = {**spec.manifest, "version": version}
    return UpsertJob(job=spec, manifest=manifest, version=Version(version))


async def test_a_written_job_is_live_with_its_pin_for_everybody(registry: Registry) -> None:
    assert dict(registry.catalogue.live()) == {}
    await registry.jobs.upsert(upsert("1.10"), "# kept\nid: install-tool\n")

    for catalogue in (registry.catalogue, registry.their_catalogue):
        await catalogue.refresh()
        live = catalogue.live()[JOB]
        assert live.manifest == upsert("1.10").manifest
        assert (live.pin, live.revoked) == ("1.10", False)


async def test_another_version_moves_the_pin_and_an_older_one_moves_it_back(
    registry: Registry,
) -> None:
    for version in ("1", "2", "1"):
        await registry.jobs.upsert(upsert(version), "id: install-tool\n")
        await registry.catalogue.refresh()

        live = registry.catalogue.live()[JOB]
        assert (live.manifest["version"], live.pin) == (version, version)


async def test_a_job_that_was_changed_since_it_was_read_is_left_alone(registry: Registry) -> None:
    await registry.jobs.upsert(upsert("1"), "id: install-tool\n")
    await registry.catalogue.refresh()
    await registry.go_deaf()
    await registry.their_catalogue.refresh()
    await registry.their_jobs.upsert(upsert("by hand"), "id: install-tool\n")

    with pytest.raises(Conflict):
        await registry.jobs.upsert(upsert("2"), "id: install-tool\n")

    await registry.catalogue.resync()
    live = registry.catalogue.live()[JOB]
    assert (live.manifest["version"], live.pin) == ("by hand", "by hand")


async def test_a_manifest_under_another_id_is_refused(registry: Registry) -> None:
    wrong = replace(upsert("1"), manifest={**upsert("1").manifest, "id": "other"})

    with pytest.raises(KanadeRefused, match="its manifest has another id"):
        await registry.jobs.upsert(wrong, "id: other\n")

    await registry.catalogue.refresh()
    assert dict(registry.catalogue.live()) == {}


async def test_what_a_person_has_revoked_shows_and_stays_revoked(registry: Registry) -> None:
    await registry.jobs.upsert(upsert("1"), "id: install-tool\n")
    await registry.revoke()
    await registry.catalogue.refresh()
    assert registry.catalogue.live()[JOB].revoked

    await registry.jobs.upsert(upsert("2"), "id: install-tool\n")
    await registry.catalogue.refresh()
    assert registry.catalogue.live()[JOB].revoked


async def test_a_deleted_job_is_gone_for_everybody_and_revoked_until_it_is_wanted_again(
    registry: Registry,
) -> None:
    await registry.jobs.upsert(upsert("1"), "id: install-tool\n")
    await registry.jobs.delete(JOB)
    await registry.jobs.delete(JOB)

    assert dict(registry.catalogue.live()) == {}
    await registry.their_catalogue.refresh()
    assert dict(registry.their_catalogue.live()) == {}

    await registry.jobs.upsert(upsert("2"), "id: install-tool\n")
    await registry.catalogue.refresh()
    assert registry.catalogue.live()[JOB].revoked
    await registry.jobs.unrevoke(JOB)
    assert not registry.catalogue.live()[JOB].revoked


async def test_a_job_that_a_schedule_names_is_not_deleted(registry: Registry) -> None:
    await registry.jobs.upsert(upsert("1"), "id: install-tool\n")
    await registry.schedule()
    await registry.catalogue.refresh()
    assert registry.catalogue.live()[JOB].schedule == "nightly"

    with pytest.raises(KanadeRefused, match="is referenced by schedule nightly"):
        await registry.jobs.delete(JOB)

    await registry.catalogue.refresh()
    assert not registry.catalogue.live()[JOB].revoked


async def test_a_job_that_was_changed_since_it_was_read_is_not_deleted(registry: Registry) -> None:
    await registry.jobs.upsert(upsert("1"), "id: install-tool\n")
    await registry.catalogue.refresh()
    await registry.go_deaf()
    await registry.their_catalogue.refresh()
    await registry.their_jobs.upsert(upsert("by hand"), "id: install-tool\n")

    with pytest.raises(Conflict):
        await registry.jobs.delete(JOB)

    await registry.catalogue.resync()
    assert registry.catalogue.live()[JOB].pin == "by hand"
