"""Our own state over a `World`: all of it real, on the nats-server in memory.

Beside the call of each port, which a test may spoil by its name, nothing here is of the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.attempt import Attempt
from reconciler.model.host_log import HostLog
from reconciler.model.identity import Fingerprint, HostName, JobId, ObjectRef, ReleaseName
from reconciler.model.observed import Owned
from reconciler.model.proof import Proof
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.report import RunStarted
from reconciler.model.revert import RevertOffer
from reconciler.model.status import Event, Status
from reconciler.ports import Clock
from reconciler.state.board import Board, KvBoard
from reconciler.state.events import EventLog
from reconciler.state.lease import KvLease, Make
from reconciler.state.ledger import Ledger
from reconciler.state.names import REQUESTS_BUCKET, STATE_BUCKET
from reconciler.state.records import StateRecords
from reconciler.state.requests import RequestBook
from tests.support.fake_connection import FakeConnection
from tests.support.fake_world import Weather, World


@dataclass(frozen=True, kw_only=True)
class HeldState:
    """One controller's hold on its own state; nothing is read or made before it is asked."""

    lease: "WatchedLease"
    ledger: "WatchedLedger"
    records: StateRecords
    board: KvBoard


def hold_state(world: World, instance: str = "one", clock: Clock | None = None) -> HeldState:
    """Return our own state as `cli.own_state.open_own_state` puts it together."""
    connection, weather = FakeConnection(world.nats), world.weather
    state, requests = Bucket(connection, STATE_BUCKET), Bucket(connection, REQUESTS_BUCKET)
    events = EventLog(connection)
    mirror = Mirror(connection, state.stream, f"{state.prefix}>")
    asked = Mirror(connection, requests.stream, f"{requests.prefix}>", world.changed)

    async def make() -> None:
        await state.create()
        await requests.create()
        await events.create()

    lease = WatchedLease(weather, state, mirror, instance, clock or world.clock, make)
    ledger = WatchedLedger(weather, state, mirror, lease)
    book = RequestBook(requests, asked)
    records = WatchedRecords(weather, ledger, book, (mirror, asked), make)
    board = WatchedBoard(weather, Board(mirror), ledger, lease, events)
    return HeldState(lease=lease, ledger=ledger, records=records, board=board)


class WatchedLease(KvLease):
    """A lease whose calls may be spoilt."""

    def __init__(
        self,
        weather: Weather,
        bucket: Bucket,
        mirror: Mirror,
        instance: str,
        clock: Clock,
        make: Make,
    ) -> None:
        super().__init__(bucket, mirror, instance, clock, make)
        self._weather = weather

    async def attempt(self) -> bool:
        if self.leads:
            return True
        async with self._weather.around("lease.attempt"):
            return await super().attempt()

    async def renew(self) -> None:
        async with self._weather.around("lease.renew"):
            await super().renew()

    async def release(self) -> None:
        async with self._weather.around("lease.release"):
            await super().release()


class WatchedRecords(StateRecords):
    """Readings that may be spoilt."""

    def __init__(
        self,
        weather: Weather,
        ledger: Ledger,
        book: RequestBook,
        mirrors: tuple[Mirror, ...],
        make: Make,
    ) -> None:
        super().__init__(ledger, book, mirrors, make)
        self._weather = weather

    @classmethod
    def over(cls, weather: Weather, records: StateRecords) -> "WatchedRecords":
        """Return the same records, watched."""
        return cls(weather, records._ledger, records._book, records._mirrors, records._make)

    async def refresh(self) -> None:
        async with self._weather.around("records.refresh"):
            await super().refresh()

    async def resync(self) -> None:
        async with self._weather.around("records.resync"):
            await super().resync()


class WatchedLedger(Ledger):
    """A ledger whose writes may be spoilt, each by the port's name and its own."""

    def __init__(self, weather: Weather, bucket: Bucket, mirror: Mirror, lease: KvLease) -> None:
        super().__init__(bucket, mirror, lease)
        self._weather = weather

    async def record(self, attempt: Attempt) -> None:
        async with self._weather.around("journal.record", attempt):
            await super().record(attempt)

    async def prove(self, proof: Proof) -> None:
        async with self._weather.around("journal.prove", proof):
            await super().prove(proof)

    async def note_run(self, run: RunStarted) -> None:
        async with self._weather.around("journal.note_run", run):
            await super().note_run(run)

    async def forget_run(self, job: JobId, host: HostName) -> None:
        async with self._weather.around("journal.forget_run", job):
            await super().forget_run(job, host)

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        async with self._weather.around("inventory.own_package"):
            await super().own_package(ref, owned)

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        async with self._weather.around("inventory.own_script"):
            await super().own_script(ref, owned)

    async def own_job(self, job: JobId, owned: Owned) -> None:
        async with self._weather.around("inventory.own_job", job):
            await super().own_job(job, owned)

    async def disown_package(self, ref: ObjectRef) -> None:
        async with self._weather.around("inventory.disown_package", ref):
            await super().disown_package(ref)

    async def disown_script(self, ref: ObjectRef) -> None:
        async with self._weather.around("inventory.disown_script", ref):
            await super().disown_script(ref)

    async def retire_job(self, job: JobId) -> None:
        async with self._weather.around("inventory.retire_job", job):
            await super().retire_job(job)

    async def recall_job(self, job: JobId) -> None:
        async with self._weather.around("inventory.recall_job", job):
            await super().recall_job(job)

    async def keep(self, record: ReleaseRecord) -> None:
        async with self._weather.around("archive.keep", record):
            await super().keep(record)

    async def keep_approved(self, record: ReleaseRecord) -> None:
        async with self._weather.around("archive.keep_approved", record):
            await super().keep_approved(record)

    async def forget(self, release: ReleaseName, fingerprint: Fingerprint) -> None:
        async with self._weather.around("archive.forget"):
            await super().forget(release, fingerprint)

    async def quarantine(self, quarantine: Quarantine) -> None:
        async with self._weather.around("archive.quarantine", quarantine):
            await super().quarantine(quarantine)

    async def keep_log(self, log: HostLog) -> None:
        async with self._weather.around("archive.keep_log", log):
            await super().keep_log(log)

    async def note_offer(self, offer: RevertOffer) -> None:
        async with self._weather.around("archive.note_offer", offer):
            await super().note_offer(offer)


class WatchedBoard(KvBoard):
    """A board that may be spoilt."""

    def __init__(
        self, weather: Weather, board: Board, ledger: Ledger, lease: KvLease, events: EventLog
    ) -> None:
        super().__init__(board, ledger, events, lease)
        self._weather = weather

    async def publish(self, status: Status, events: Sequence[Event]) -> None:
        async with self._weather.around("board.publish"):
            await super().publish(status, events)
