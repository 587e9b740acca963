"""The whole outside world on one page: everything that a pass reads or changes.

Each protocol has an adapter that does it for real and a fake in `tests/support/fakes.py`;
the same contract suite holds for both. Shared guarantees: absent is `None`, silent is
`KanadeUnavailable`; a call that raises may have had its effect, unless it says otherwise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.model.action import UpsertJob
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Artifact, Desired
from reconciler.model.digest import Digest
from reconciler.model.identity import (
    ExecId,
    HostName,
    JobId,
    Json,
    ObjectRef,
    PackageName,
    ReleaseName,
    Revision,
    SecretName,
    Version,
)
from reconciler.model.observed import (
    BackendState,
    Freeze,
    HostState,
    LiveJob,
    Observed,
    Owned,
    Requests,
    Slot,
    StoredObject,
)
from reconciler.model.proof import Proof
from reconciler.model.report import RunFinished, RunStarted
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import Event, Status


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for deadlines."""

    async def sleep(self, delay: timedelta) -> None:
        """Wait for *delay*."""


class Reading(Protocol):
    """A warm copy of something on NATS."""

    async def refresh(self) -> None:
        """Make sure that the next readings are current.

        Raises:
            KanadeUnavailable: no answer, so nothing is known.
        """

    async def resync(self) -> None:
        """Read everything anew, as at the start; raises as `refresh`."""


class Source(Protocol):
    """The repository."""

    async def fetch(self) -> Snapshot:
        """Return the newest revision of the branch.

        Raises:
            SourceUnavailable: no answer in time; the last good revision stays in force.
            SourceRefused: the ref or its history is not to be used.
        """

    async def applied(self, revision: Revision) -> None:
        """Remember *revision* as the last good one, over restarts."""

    async def last_applied(self) -> Snapshot | None:
        """Return the last good revision, read again; `None` when there has been none."""


class Secrets(Protocol):
    """Where secret values are; they are read when they are needed and kept nowhere."""

    def resolve(self, name: SecretName) -> str:
        """Return the value.

        Raises:
            SecretUnavailable: nobody has configured it, or it cannot be read.
        """


class Content(Protocol):
    """Bytes that can be read once, a block at a time."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""

    def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes in blocks of *block_bytes*, the last one shorter."""


class LabelledContent(Content, Protocol):
    """Content that may say of itself which version it is."""

    async def stated_version(self) -> Version | None:
        """Return the version that a binary names; `None` when it names none."""


class Artifacts(Protocol):
    """Where a release's bytes come from."""

    def open(
        self, artifact: Artifact, snapshot: Snapshot
    ) -> AbstractAsyncContextManager[LabelledContent]:
        """Fetch or build *artifact*, if need be, and open it; its digest is not yet proved.

        Raises:
            ArtifactUnavailable: no answer; worth trying again.
            ArtifactRefused: it cannot be had as the release says.
        """


class Store(Reading, Protocol):
    """One of kanade's object stores, to be read: `app_packages` or `scripts`."""

    def stored(self) -> Mapping[ObjectRef, StoredObject]:
        """Return everything that is in the store, by its metadata."""


class Objects(Store, Protocol):
    """One of kanade's object stores, to be read and written."""

    async def publish(
        self, ref: ObjectRef, content: Content, digest: Digest, *, replaces: int
    ) -> StoredObject:
        """Store *content* whole or not at all; a reader never sees bytes of another digest.

        *replaces* is the metadata sequence the caller has seen, 0 for none.

        Raises:
            DigestMismatch: what was read is not *digest*; nothing can be seen.
            Conflict: the object is not the one the caller has seen.
            NoRoom: the bucket is full; what was sent is removed.
            KanadeUnavailable: no answer; whether it is there is unknown.
        """

    async def check(self, ref: ObjectRef, digest: Digest) -> None:
        """Read the object back as a host would, and hash it.

        Raises:
            DigestMismatch: what is served is not *digest*.
            KanadeRefused: there is no such object.
        """

    async def delete(self, ref: ObjectRef) -> None:
        """Remove an object and its chunks; one that is not there is no error."""


class Sweep(Protocol):
    """A store in which a broken upload of ours may have left something."""

    async def sweep(self) -> object:
        """Remove what we have left behind, and nobody else's; returns what that was."""


class Catalogue(Reading, Protocol):
    """What kanade's job catalogue says, over NATS."""

    def live(self) -> Mapping[JobId, LiveJob]:
        """Return every job with its pin and whether it is revoked."""


class Backend(Protocol):
    """kanade's HTTP API."""

    async def state(self) -> BackendState:
        """Tell whether it can be written through; silence is `DOWN`, no error.

        Raises:
            Unauthorized: it answers, and refuses our token.
        """

    async def manifest_schema(self) -> Mapping[str, Json] | None:
        """Return the JSON Schema of the jobs that it takes; `None` where there is no backend."""


class Jobs(Protocol):
    """kanade's job catalogue, to be written."""

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        """Write the manifest, its YAML and the version pin, the pin readable before this returns.

        Raises:
            KanadeRefused: kanade does not accept the manifest.
        """


class Runner(Protocol):
    """A way to send a command to a host."""

    @property
    def answers_within(self) -> timedelta:
        """How long `send` may take at the most."""

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        """Return *attempt* with the exact payload that `send` will send; no effect, no I/O."""

    async def send(self, attempt: Attempt) -> Attempt:
        """Send the attempt's exact payload; return it with the ids and times that are now known.

        Raises:
            KanadeRefused: it was not sent, and will not be.
            KanadeUnavailable: it may have been sent: nothing but the host's slot can tell.
        """


class Fleet(Reading, Protocol):
    """The hosts themselves, as heartbeats, pings, groups and slots show them."""

    def hosts(self) -> Mapping[HostName, HostState]:
        """Return every host that is known of."""

    def slots(self) -> Mapping[HostName, Slot]:
        """Return the last command on every host's own subject."""

    def freeze(self) -> Freeze:
        """Return kanade's global freeze; one that does not parse counts as frozen."""

    async def ping(self, hosts: frozenset[HostName]) -> None:
        """Ask *hosts* for a fresh heartbeat; what they answer shows in the next reading."""

    async def kill(self, exec_id: ExecId) -> None:
        """Ask every agent that runs *exec_id* to kill it."""


class Observer(Protocol):
    """Reads everything that a plan depends on."""

    async def observe(self, desired: Desired, *, anew: bool = False) -> Observed:
        """Return one whole reading; *anew* trusts no warm copy.

        Raises:
            KanadeUnavailable: something did not answer, so there is no reading.
        """


@dataclass(frozen=True, slots=True)
class Delivery:
    """A report, and what says that it has been taken in: without it, it comes again."""

    report: RunStarted | RunFinished
    acknowledge: Callable[[], Awaitable[None]]


class Reports(Protocol):
    """What agents say of their runs, each told until it is acknowledged."""

    async def take(self) -> Sequence[Delivery]:
        """Return what has come in, without waiting for more."""


class Records(Reading, Protocol):
    """Our own state, to be read."""

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        """Return the latest attempt of every release and purpose on every host."""

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        """Return what is proved of every package on every host."""

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        """Return the packages that we have published."""

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        """Return the scripts that we have published."""

    def requests(self) -> Requests:
        """Return what people ask for."""


class Journal(Protocol):
    """Our own record of what was intended and what became of it; only the leader writes."""

    async def record(self, attempt: Attempt) -> None:
        """Keep *attempt*, in place of the host's last one of the same release and purpose.

        Raises:
            LeaseLost: another controller leads; nothing was written.
        """

    async def prove(self, proof: Proof) -> None:
        """Keep what is now proved of a host; raises as `record`."""


class Inventory(Protocol):
    """What we have put into kanade, written down so that only that is ever changed or pruned."""

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        """Note that the package *ref* is ours."""

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        """Note that the script *ref* is ours."""


class Lease(Protocol):
    """Leadership: any number of controllers may run, one acts."""

    async def confirm(self, for_at_least: timedelta) -> None:
        """Make sure that we lead, and go on to for so long: as long as a request may take.

        Raises:
            LeaseLost: another controller leads, or may by then.
            KanadeUnavailable: the lease had to be renewed for it, and nobody answered.
        """


class Leadership(Lease, Protocol):
    """The lease, as the loop that keeps it sees it."""

    @property
    def leads(self) -> bool:
        """True while the lease is ours and has not run out."""

    async def attempt(self) -> bool:
        """Take the lease if it is free or has run out; tell whether we lead.

        Raises:
            KanadeUnavailable: no answer.
        """

    async def renew(self) -> None:
        """Make the lease last for its whole length again.

        Raises:
            LeaseLost: another controller has taken over.
            KanadeUnavailable: no answer; it lasts as long as it lasted before.
        """

    async def release(self) -> None:
        """Let others take over at once."""


class StatusBoard(Protocol):
    """Where the status is kept for people and machines to read."""

    def read(self) -> Status:
        """Return the last status that was told."""

    async def tell(self, status: Status, events: Sequence[Event]) -> None:
        """Keep *status*, only what is new of it, and publish *events*.

        Raises:
            LeaseLost: another controller leads.
        """


@dataclass(frozen=True)
class BytesContent:
    """Bytes that are already in memory, as `Content`."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self.data)

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes in blocks of *block_bytes*, the last one shorter."""
        for start in range(0, len(self.data), block_bytes):
            yield self.data[start : start + block_bytes]


Wake = Callable[[], None]
"""Says: look again. It carries nothing."""
