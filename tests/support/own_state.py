"""What is kept of our own on a nats-server in memory, read as nobody in the fleet could."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.host_log import HostLog
from reconciler.model.identity import (
    Fingerprint,
    HostName,
    JobId,
    ObjectRef,
    PackageName,
    ReleaseName,
)
from reconciler.model.observed import Owned
from reconciler.model.proof import Proof
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.revert import RevertOffer
from reconciler.model.status import ControllerStatus, Event, HostStatus, ReleaseStatus, Status
from reconciler.state import names
from reconciler.state.codec import decode, encode
from reconciler.state.lease import Holder, holder_of
from reconciler.state.ledger import _OwnedJob, _OwnedObject, _Retired
from reconciler.state.requests import RequestBook
from tests.support.fake_connection import FakeConnection
from tests.support.fake_nats import FakeNats

V = TypeVar("V")
K = TypeVar("K")


@dataclass(frozen=True)
class OwnState:
    """The bucket that the leader writes, the one for people, and the stream of our events."""

    nats: FakeNats

    @property
    def term(self) -> int:
        """Where the lease's term stands; every write of a leader's asserts it."""
        found = list(self.nats.values(names.STATE_BUCKET, names.TERM))
        return found[0].sequence if found else 0

    @property
    def holder(self) -> str:
        """Who leads; empty for nobody."""
        return holder_of(next(self.nats.values(names.STATE_BUCKET, names.TERM), None))

    def is_taken_over(self, by: str = "another") -> None:
        """Let another controller take the lease, and renew it once."""
        for key in (names.TERM, names.BEAT):
            subject = f"$KV.{names.STATE_BUCKET}.{key}"
            stream = {"Nats-Expected-Stream": f"KV_{names.STATE_BUCKET}"}
            assert self.nats.publish(subject, encode(Holder(instance=by)), stream)

    def is_lost(self) -> None:
        """Let somebody delete all of it."""
        self.nats.streams.clear()

    @property
    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        return self._read(
            names.JOURNAL,
            Attempt,
            lambda item: (item.wish.release, item.wish.host, item.wish.purpose),
        )

    @property
    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        return self._read(names.PROOFS, Proof, lambda item: (item.package, item.host))

    @property
    def packages(self) -> Mapping[ObjectRef, Owned]:
        found = self._read(names.PACKAGES, _OwnedObject, lambda item: item.ref)
        return {ref: item.owned for ref, item in found.items()}

    @property
    def scripts(self) -> Mapping[ObjectRef, Owned]:
        found = self._read(names.SCRIPTS, _OwnedObject, lambda item: item.ref)
        return {ref: item.owned for ref, item in found.items()}

    @property
    def owned_jobs(self) -> Mapping[JobId, Owned]:
        found = self._read(names.JOBS, _OwnedJob, lambda item: item.job)
        return {job: item.owned for job, item in found.items()}

    @property
    def retired(self) -> set[JobId]:
        return set(self._read(names.RETIRED, _Retired, lambda item: item.job))

    @property
    def records(self) -> Mapping[tuple[ReleaseName, Fingerprint], ReleaseRecord]:
        return self._read(
            names.RECORDS, ReleaseRecord, lambda item: (item.release, item.fingerprint)
        )

    @property
    def quarantine(self) -> Mapping[tuple[ReleaseName, Fingerprint], Quarantine]:
        return self._read(
            names.QUARANTINE, Quarantine, lambda item: (item.release, item.fingerprint)
        )

    @property
    def offers(self) -> Mapping[tuple[ReleaseName, Fingerprint], RevertOffer]:
        return self._read(names.OFFERS, RevertOffer, lambda item: (item.release, item.fingerprint))

    @property
    def logs(self) -> Mapping[tuple[ReleaseName, HostName], HostLog]:
        return self._read(names.LOGS, HostLog, lambda item: (item.release, item.host))

    @property
    def releases(self) -> Mapping[ReleaseName, ReleaseStatus]:
        """What the status says of each release."""
        return self._read(names.STATUS_RELEASES, ReleaseStatus, lambda item: item.name)

    @property
    def status(self) -> Status:
        """What was told last."""
        nobody = ControllerStatus(revision=None)
        controllers = self._read(names.STATUS_CONTROLLER, ControllerStatus, lambda _: None)
        hosts = self._read(names.STATUS_HOSTS, HostStatus, lambda item: (item.release, item.host))
        controller = controllers.get(None, nobody)
        return Status(controller=controller, releases=self.releases, hosts=hosts, logs=self.logs)

    @property
    def events(self) -> list[Event]:
        stream = self.nats.streams.get(names.EVENTS_STREAM)
        messages = stream.messages.values() if stream is not None else ()
        return [decode(message.data, Event) for message in messages]

    async def book(self) -> RequestBook:
        """Return where people write down what they ask for, made if it is not there."""
        connection = FakeConnection(self.nats)
        bucket = Bucket(connection, names.REQUESTS_BUCKET)
        await bucket.create()
        return RequestBook(bucket, Mirror(connection, bucket.stream, f"{bucket.prefix}>"))

    def _read(self, prefix: str, kind: type[V], key_of: Callable[[V], K]) -> dict[K, V]:
        found = self.nats.values(names.STATE_BUCKET, f"{prefix}.")
        values = (decode(message.data, kind) for message in found)
        return {key_of(value): value for value in values}
