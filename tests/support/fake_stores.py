"""The fakes of kanade's stores, its catalogue and its backend, over a `World`."""

from collections.abc import Mapping

from reconciler.errors import Conflict, DigestMismatch, KanadeRefused, NoRoom
from reconciler.kanade.objects import checked_ref
from reconciler.model.action import UpsertJob
from reconciler.model.digest import Digest
from reconciler.model.identity import JobId, Json, ObjectRef
from reconciler.model.observed import BackendState, LiveJob, StoredObject
from reconciler.ports import Content
from tests.support.fake_world import KeptJob, World

_BLOCK_BYTES = 128 * 1024


class FakeObjects:
    """Implements `ports.Objects`: what others store shows after a refresh, our own at once.

    It is a `ports.Sweep`, too, and never leaves anything behind.
    """

    def __init__(self, world: World, store: str) -> None:
        self._world = world
        self._store = store
        self._seen: Mapping[ObjectRef, StoredObject] = {}

    async def refresh(self) -> None:
        async with self._world.weather.around(f"{self._store}.refresh"):
            self._look()

    async def resync(self) -> None:
        async with self._world.weather.around(f"{self._store}.resync"):
            self._look()

    def stored(self) -> Mapping[ObjectRef, StoredObject]:
        return self._seen

    async def room(self) -> int | None:
        async with self._world.weather.around(f"{self._store}.room"):
            return self._left()

    async def publish(
        self, ref: ObjectRef, content: Content, digest: Digest, *, replaces: int
    ) -> StoredObject:
        async with self._world.weather.around(f"{self._store}.publish", (ref, digest)):
            self._expect(checked_ref(ref), replaces)
            self._make_room(ref, content.size_bytes)
            data = b"".join([block async for block in content.blocks(_BLOCK_BYTES)])
            found = Digest.of(data)
            if found != digest:
                raise DigestMismatch(str(ref), digest.hex, found.hex)
            self._expect(ref, replaces)
            stored = self._world.put(self._store, ref, data, digest)
            self._look()
        return stored

    async def check(self, ref: ObjectRef, digest: Digest) -> None:
        async with self._world.weather.around(f"{self._store}.check", (ref, digest)):
            kept = self._world.stores[self._store].get(ref)
            if kept is None:
                raise KanadeRefused(f"object store {self._store}: there is no {ref}")
            found = Digest.of(kept.data)
            if found != digest:
                raise DigestMismatch(f"{self._store}: {ref}", digest.hex, found.hex)

    async def delete(self, ref: ObjectRef, *, sequence: int) -> None:
        async with self._world.weather.around(f"{self._store}.delete", ref):
            if ref in self._world.stores[self._store]:
                self._expect(ref, sequence)
                del self._world.stores[self._store][ref]
                self._world.changed()
            self._look()

    async def sweep(self) -> None:
        async with self._world.weather.around(f"{self._store}.sweep"):
            return

    def _look(self) -> None:
        kept = self._world.stores[self._store]
        self._seen = {ref: item.stored for ref, item in kept.items()}

    def _expect(self, ref: ObjectRef, replaces: int) -> None:
        kept = self._world.stores[self._store].get(ref)
        if (kept.stored.sequence if kept is not None else 0) != replaces:
            raise Conflict(f"{self._store}: {ref} has changed since it was looked at")

    def _make_room(self, ref: ObjectRef, size_bytes: int) -> None:
        left = self._left()
        if left is not None and size_bytes > left:
            raise NoRoom(f"{self._store}: no room for {ref}")

    def _left(self) -> int | None:
        limit = self._world.room_bytes.get(self._store)
        used = sum(item.stored.size_bytes for item in self._world.stores[self._store].values())
        return None if limit is None else max(limit - used, 0)


class FakeCatalogue:
    """Implements `ports.Catalogue`, as it was at the last refresh."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: Mapping[JobId, LiveJob] = {}
        self._sequences: Mapping[JobId, int] = {}

    async def refresh(self) -> None:
        async with self._world.weather.around("catalogue.refresh"):
            self._look()

    async def resync(self) -> None:
        async with self._world.weather.around("catalogue.resync"):
            self._look()

    def live(self) -> Mapping[JobId, LiveJob]:
        return self._seen

    def sequence(self, job: JobId) -> int:
        """Return where the manifest was stored that was last seen; 0 for none."""
        return self._sequences.get(job, 0)

    def _look(self) -> None:
        world = self._world
        self._sequences = {job: kept.sequence for job, kept in world.jobs.items()}
        self._seen = {
            job: LiveJob(
                id=job,
                manifest=kept.manifest,
                pin=world.pins.get(job),
                revoked=job in world.revoked,
                schedule=world.schedules.get(job),
            )
            for job, kept in world.jobs.items()
        }


class FakeJobs:
    """Implements `ports.Jobs`: the manifest, then its YAML, then the pin."""

    def __init__(self, world: World, catalogue: FakeCatalogue) -> None:
        self._world = world
        self._catalogue = catalogue

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        if action.manifest.get("id") != action.job_id:
            raise KanadeRefused(f"job {action.job_id}: its manifest has another id")
        async with self._world.weather.around("jobs.upsert", action):
            kept = self._world.jobs.get(action.job_id)
            found = kept.sequence if kept is not None else 0
            if found != self._catalogue.sequence(action.job_id):
                raise Conflict(f"job {action.job_id} has changed since it was looked at")
            sequence = self._world.next_sequence()
            written = KeptJob(manifest=dict(action.manifest), yaml=yaml, sequence=sequence)
            self._world.jobs[action.job_id] = written
        async with self._world.weather.around("jobs.pin", action):
            self._world.pins[action.job_id] = action.version
            self._world.changed()
        await self._catalogue.refresh()

    async def delete(self, job: JobId) -> None:
        async with self._world.weather.around("jobs.delete", job):
            kept, schedule = self._world.jobs.get(job), self._world.schedules.get(job)
            if kept is None:
                return
            if schedule is not None:
                raise KanadeRefused(f"job {job} is referenced by schedule {schedule}")
            self._world.revoked.add(job)
            if kept.sequence != self._catalogue.sequence(job):
                raise Conflict(f"job {job} has changed since it was looked at")
            del self._world.jobs[job]
            self._world.changed()
        await self._catalogue.refresh()

    async def unrevoke(self, job: JobId) -> None:
        async with self._world.weather.around("jobs.unrevoke", job):
            self._world.revoked.discard(job)
            self._world.changed()
        await self._catalogue.refresh()


class FakeBackend:
    """Implements `ports.Backend`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def state(self) -> BackendState:
        async with self._world.weather.around("backend.state"):
            return self._world.backend_state()

    async def manifest_schema(self) -> Mapping[str, Json] | None:
        async with self._world.weather.around("backend.schema"):
            return None
