"""The whole outside world on one page: everything that a pass reads or changes.

Each protocol has an adapter that does it for real and a fake in `tests/support/fakes.py`;
the same contract suite holds for both. Shared guarantees: absent is `None`, silent is
`KanadeUnavailable`; a call that raises may have had its effect, unless it says otherwise.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.model.action import UpsertJob
from reconciler.model.attempt import Attempt
from reconciler.model.desired import Artifact, Desired
from reconciler.model.digest import Digest
from reconciler.model.identity import ExecId, HostName, Json, ObjectRef, SecretName
from reconciler.model.observed import Observed, Owned, StoredObject
from reconciler.model.snapshot import Snapshot


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for deadlines."""

    async def sleep(self, delay: timedelta) -> None:
        """Wait for *delay*."""


class Source(Protocol):
    """The repository."""

    async def fetch(self) -> Snapshot:
        """Return the newest revision of the branch.

        Raises:
            SourceUnavailable: no answer in time; the last good revision stays in force.
            SourceRefused: the ref or its history is not to be used.
        """


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


class Artifacts(Protocol):
    """Where a release's bytes come from."""

    def open(self, artifact: Artifact, snapshot: Snapshot) -> AbstractAsyncContextManager[Content]:
        """Fetch or build *artifact*, if need be, and open it; its digest is not yet proved.

        Raises:
            ArtifactUnavailable: no answer; worth trying again.
            ArtifactRefused: it cannot be had as the release says.
        """


class Objects(Protocol):
    """One of kanade's object stores: `app_packages` or `scripts`."""

    async def stored(self) -> Mapping[ObjectRef, StoredObject]:
        """Return everything that is in the store, by its metadata."""

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


class Jobs(Protocol):
    """kanade's job catalogue."""

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        """Write the manifest, its YAML and the version pin, the pin readable before this returns.

        Raises:
            KanadeRefused: kanade does not accept the manifest.
        """


class Runner(Protocol):
    """A way to send a command to a host."""

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        """Return *attempt* with the exact payload that `send` will send; no effect, no I/O."""

    async def send(self, attempt: Attempt) -> Attempt:
        """Send the attempt's exact payload; return it with the ids and times that are now known.

        Raises:
            KanadeRefused: it was not sent, and will not be.
            KanadeUnavailable: it may have been sent: nothing but the host's slot can tell.
        """


class Fleet(Protocol):
    """The hosts themselves."""

    async def ping(self, hosts: frozenset[HostName]) -> None:
        """Ask *hosts* for a fresh heartbeat; what they answer shows in the next reading."""

    async def kill(self, exec_id: ExecId) -> None:
        """Ask every agent that runs *exec_id* to kill it."""


class Observer(Protocol):
    """Reads everything that a plan depends on."""

    async def observe(self, desired: Desired) -> Observed:
        """Return one whole reading.

        Raises:
            KanadeUnavailable: something did not answer, so there is no reading.
        """


class Journal(Protocol):
    """Our own record of what was intended and what became of it; only the leader writes."""

    async def record(self, attempt: Attempt) -> None:
        """Keep *attempt*, in place of the host's last one of the same release and purpose.

        Raises:
            LeaseLost: another controller leads; nothing was written.
        """


class Inventory(Protocol):
    """What we have put into kanade, written down so that only that is ever changed or pruned."""

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        """Note that the package *ref* is ours."""

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        """Note that the script *ref* is ours."""


class Lease(Protocol):
    """Leadership: any number of controllers may run, one acts."""

    async def confirm(self) -> None:
        """Make sure that we still lead, with time left for one more request.

        Raises:
            LeaseLost: another controller leads, or may by now.
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
