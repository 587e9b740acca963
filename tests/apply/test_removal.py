"""What is not needed is deleted first and struck out afterwards; of a job it is known by whom."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from reconciler.apply.removal import Remover
from reconciler.apply.way import Way
from reconciler.errors import Conflict, KanadeRefused, KanadeUnavailable, LeaseLost
from reconciler.model.action import (
    Delete,
    DeleteJob,
    DeletePackage,
    DeleteScript,
    ForgetRecord,
    UpsertJob,
)
from reconciler.model.digest import Digest
from reconciler.model.identity import JobId, ObjectRef, ReleaseName, Version
from reconciler.model.observed import Owned
from reconciler.state.lease import LENGTH
from tests.support import builders
from tests.support.fake_agent_releases import FakeAgents
from tests.support.fake_fleet import FakeNatsRunner
from tests.support.fake_state import hold_state
from tests.support.fake_stores import FakeCatalogue, FakeJobs, FakeObjects
from tests.support.fake_world import World

REF, JOB, OWNER = ObjectRef("tool", "1.0.0"), JobId("old"), ReleaseName("tool")
PACKAGE = DeletePackage(owner=OWNER, ref=REF, sequence=1)
SCRIPT = DeleteScript(owner=OWNER, ref=REF, sequence=2)
OLD_JOB = DeleteJob(job_id=JOB, version=Version("1"))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A remover over a world in which everything that it can delete is there, and ours."""

    world: World
    remover: Remover
    way: Way

    async def remove(self, action: Delete | ForgetRecord) -> list[str]:
        """Return the calls that changed something."""
        before = len(self.world.weather.calls)
        try:
            await self.remover.remove(action, self.way)
        finally:
            calls = self.world.weather.calls[before:]
        return [call for call in calls if not call.endswith(".refresh")]


@pytest.fixture
async def bench() -> Bench:
    world = World()
    owned = Owned(digest=Digest.of(b"it"), release=OWNER)
    for store in ("app_packages", "scripts"):
        world.put(store, REF, b"it", owned.digest)
    own, catalogue = hold_state(world), FakeCatalogue(world)
    lease, ledger = own.lease, own.ledger
    await lease.attempt()
    await ledger.own_package(REF, owned)
    await ledger.own_script(REF, owned)
    await ledger.keep(builders.record(builders.release("1.0.0")))
    jobs = FakeJobs(world, catalogue)
    await jobs.upsert(upsert(), "id: old\n")
    await ledger.own_job(JOB, owned)
    return Bench(
        world=world,
        remover=Remover(inventory=ledger, archive=ledger, records=own.records, lease=lease),
        way=Way(
            packages=FakeObjects(world, "app_packages"),
            scripts=FakeObjects(world, "scripts"),
            jobs=jobs,
            runner=FakeNatsRunner(world),
            agents=FakeAgents(world),
        ),
    )


def upsert() -> UpsertJob:
    spec = builders.job(JOB)
    return UpsertJob(job=spec, manifest={**spec.manifest, "version": "1"}, version=Version("1"))


async def test_a_package_is_deleted_and_then_struck_out(bench: Bench) -> None:
    assert await bench.remove(PACKAGE) == ["app_packages.delete", "inventory.disown_package"]

    assert bench.world.stores["app_packages"] == {}
    assert bench.world.own.packages == {}
    assert set(bench.world.own.scripts) == set(bench.world.stores["scripts"]) == {REF}


async def test_a_script_is_deleted_and_then_struck_out(bench: Bench) -> None:
    assert await bench.remove(SCRIPT) == ["scripts.delete", "inventory.disown_script"]

    assert bench.world.stores["scripts"] == {}
    assert bench.world.own.scripts == {}
    assert set(bench.world.own.packages) == set(bench.world.stores["app_packages"]) == {REF}


@pytest.mark.parametrize(("action", "store"), [(PACKAGE, "app_packages"), (SCRIPT, "scripts")])
async def test_what_somebody_has_put_there_since_stays(
    bench: Bench, action: Delete, store: str
) -> None:
    bench.world.put(store, REF, b"theirs", Digest.of(b"theirs"))

    with pytest.raises(Conflict):
        await bench.remove(action)

    assert set(bench.world.stores[store]) == {REF}


@pytest.mark.parametrize(
    ("action", "call", "owned"),
    [
        (PACKAGE, "app_packages.delete", lambda world: world.own.packages),
        (SCRIPT, "scripts.delete", lambda world: world.own.scripts),
    ],
)
async def test_what_may_still_be_there_stays_ours_and_is_deleted_again(
    bench: Bench, action: Delete, call: str, owned: Callable[[World], dict[ObjectRef, Owned]]
) -> None:
    bench.world.weather.spoil(call, KanadeUnavailable("silent"), after=True)
    with pytest.raises(KanadeUnavailable):
        await bench.remove(action)
    assert set(owned(bench.world)) == {REF}

    await bench.remove(action)

    assert owned(bench.world) == {}


async def test_a_deleted_job_is_revoked_by_us_and_by_nobody_else(bench: Bench) -> None:
    assert await bench.remove(OLD_JOB) == ["inventory.retire_job", "jobs.delete"]

    assert JOB not in bench.world.jobs
    assert bench.world.revoked == bench.world.own.retired == {JOB}
    assert bench.world.own.owned_jobs == {}


async def test_a_job_that_comes_back_is_put_back_in_use(bench: Bench) -> None:
    await bench.remove(OLD_JOB)
    await bench.way.jobs.upsert(upsert(), "id: old\n")

    await bench.remover.recall(JOB, bench.way)

    assert bench.world.revoked == bench.world.own.retired == set()


async def test_a_job_that_a_person_has_revoked_stays_so(bench: Bench) -> None:
    bench.world.revoked.add(JOB)

    await bench.remover.recall(JOB, bench.way)

    assert bench.world.revoked == {JOB}


async def test_a_job_that_kanade_does_not_let_go_is_there_and_in_use(bench: Bench) -> None:
    bench.world.schedules[JOB] = "nightly"

    with pytest.raises(KanadeRefused, match="referenced by schedule nightly"):
        await bench.remove(OLD_JOB)

    assert JOB in bench.world.jobs
    assert bench.world.revoked == set()


async def test_a_record_is_forgotten(bench: Bench) -> None:
    (record,) = bench.world.own.records.values()
    action = ForgetRecord(
        release=record.release, version=record.version, fingerprint=record.fingerprint
    )

    assert await bench.remove(action) == ["archive.forget"]
    assert bench.world.own.records == {}


@pytest.mark.parametrize("action", [PACKAGE, SCRIPT, OLD_JOB])
async def test_who_slept_through_its_lease_deletes_nothing(bench: Bench, action: Delete) -> None:
    bench.world.clock.advance(LENGTH)
    other = hold_state(bench.world, "two").lease
    assert not await other.attempt()
    bench.world.clock.advance(LENGTH)
    assert await other.attempt()

    with pytest.raises(LeaseLost):
        await bench.remove(action)

    assert all(store for store in bench.world.stores.values())
    assert JOB in bench.world.jobs
