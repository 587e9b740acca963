"""Our own bucket: the journal, the proofs, the inventory and the status, written by the leader."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import Conflict, LeaseLost, ReconcilerError
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import HostName, ObjectRef, PackageName, ReleaseName
from reconciler.model.observed import Owned
from reconciler.model.proof import Proof
from reconciler.state.codec import encode
from reconciler.state.lease import KvLease
from reconciler.state.names import (
    JOURNAL,
    PACKAGES,
    PROOFS,
    SCRIPTS,
    STATE_BUCKET,
    inventory_key,
    journal_key,
    proof_key,
)
from reconciler.state.table import Table

_WINDOW = 64


@dataclass(frozen=True, kw_only=True)
class _OwnedObject:
    """An inventory entry; it repeats its key so that a reading needs no key to be taken apart."""

    ref: ObjectRef
    owned: Owned


class Ledger:
    """Implements `ports.Journal` and `ports.Inventory` over NATS.

    A write returns when our own copy shows it, so the next reading is never behind it.
    """

    def __init__(self, bucket: Bucket, mirror: Mirror, lease: KvLease) -> None:
        self._bucket = bucket
        self._mirror = mirror
        self._lease = lease
        self._attempts: Table[tuple[ReleaseName, HostName, Purpose], Attempt] = Table(
            mirror, STATE_BUCKET, JOURNAL, Attempt, _attempt_key
        )
        self._proofs: Table[tuple[PackageName, HostName], Proof] = Table(
            mirror, STATE_BUCKET, PROOFS, Proof, _proof_key
        )
        self._packages: Table[ObjectRef, _OwnedObject] = Table(
            mirror, STATE_BUCKET, PACKAGES, _OwnedObject, _ref_of
        )
        self._scripts: Table[ObjectRef, _OwnedObject] = Table(
            mirror, STATE_BUCKET, SCRIPTS, _OwnedObject, _ref_of
        )

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        """Return the latest attempt of every release and purpose on every host."""
        return self._attempts.read()

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        """Return what is proved of every package on every host."""
        return self._proofs.read()

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        """Return the packages that we have published."""
        return {ref: item.owned for ref, item in self._packages.read().items()}

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        """Return the scripts that we have published."""
        return {ref: item.owned for ref, item in self._scripts.read().items()}

    async def record(self, attempt: Attempt) -> None:
        """See `ports.Journal`."""
        await self.write({journal_key(attempt.wish): encode(attempt)})

    async def prove(self, proof: Proof) -> None:
        """See `ports.Journal`."""
        await self.write({proof_key(proof.package, proof.host): encode(proof)})

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        """See `ports.Inventory`."""
        await self._own(PACKAGES, ref, owned)

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        """See `ports.Inventory`."""
        await self._own(SCRIPTS, ref, owned)

    async def _own(self, prefix: str, ref: ObjectRef, owned: Owned) -> None:
        entry = _OwnedObject(ref=ref, owned=owned)
        await self.write({inventory_key(prefix, ref): encode(entry)})

    async def write(self, entries: Mapping[str, bytes | None]) -> None:
        """Write all *entries*, some at a time; `None` removes one.

        Raises:
            LeaseLost: another controller leads; what had not been sent is not written.
            KanadeUnavailable: no answer; some of it may be written.
        """
        fence = self._lease.fence
        window = asyncio.Semaphore(_WINDOW)

        async def write_one(key: str, value: bytes | None) -> int:
            async with window:
                if value is None:
                    return await self._bucket.delete(key, fence=fence)
                return await self._bucket.put(key, value, fence=fence)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(write_one(*entry)) for entry in entries.items()]
        except* ReconcilerError as failed:
            if failed.subgroup(Conflict) is not None:
                raise LeaseLost("another controller leads") from failed
            raise failed.exceptions[0] from failed
        if tasks:
            await self._mirror.caught_up(max(task.result() for task in tasks))


def _attempt_key(attempt: Attempt) -> tuple[ReleaseName, HostName, Purpose]:
    return attempt.wish.release, attempt.wish.host, attempt.wish.purpose


def _proof_key(proof: Proof) -> tuple[PackageName, HostName]:
    return proof.package, proof.host


def _ref_of(entry: _OwnedObject) -> ObjectRef:
    return entry.ref
