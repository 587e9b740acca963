"""Our own bucket: journal, proofs, inventory, records and status, written by the leader."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import Conflict, LeaseLost, ReconcilerError, first_of
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
from reconciler.model.report import RunStarted
from reconciler.model.revert import RevertOffer
from reconciler.state.codec import encode
from reconciler.state.lease import KvLease
from reconciler.state.names import (
    APPROVED,
    JOBS,
    JOURNAL,
    OFFERS,
    PACKAGES,
    PROOFS,
    QUARANTINE,
    RECORDS,
    RETIRED,
    RUNS,
    SCRIPTS,
    STATE_BUCKET,
    approved_key,
    fingerprint_key,
    inventory_key,
    journal_key,
    log_key,
    owned_job_key,
    proof_key,
    retired_key,
    run_key,
)
from reconciler.state.table import Table
from reconciler.state.tables import (
    by_fingerprint,
    install_of,
    log_table,
    record_table,
    unreadable_quarantine,
)

_WINDOW = 64


@dataclass(frozen=True, kw_only=True)
class _OwnedObject:
    """An inventory entry; it repeats its key so that a reading needs no key to be taken apart."""

    ref: ObjectRef
    owned: Owned


@dataclass(frozen=True, kw_only=True)
class _OwnedJob:
    job: JobId
    owned: Owned


@dataclass(frozen=True, kw_only=True)
class _Retired:
    job: JobId


class Ledger:
    """Implements `ports.Journal`, `ports.Inventory` and `ports.Archive` over NATS.

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
        self._runs: Table[tuple[JobId, HostName], RunStarted] = Table(
            mirror, STATE_BUCKET, RUNS, RunStarted, lambda run: (run.job, run.host)
        )
        self._packages: Table[ObjectRef, _OwnedObject] = Table(
            mirror, STATE_BUCKET, PACKAGES, _OwnedObject, _ref_of
        )
        self._scripts: Table[ObjectRef, _OwnedObject] = Table(
            mirror, STATE_BUCKET, SCRIPTS, _OwnedObject, _ref_of
        )
        self._jobs: Table[JobId, _OwnedJob] = Table(
            mirror, STATE_BUCKET, JOBS, _OwnedJob, lambda item: item.job
        )
        self._retired: Table[JobId, _Retired] = Table(
            mirror, STATE_BUCKET, RETIRED, _Retired, lambda item: item.job
        )
        self._records = record_table(mirror)
        self._approved: Table[ReleaseName, ReleaseRecord] = Table(
            mirror, STATE_BUCKET, APPROVED, ReleaseRecord, lambda item: item.release
        )
        self._quarantine: Table[tuple[ReleaseName, Fingerprint], Quarantine] = Table(
            mirror, STATE_BUCKET, QUARANTINE, Quarantine, by_fingerprint
        )
        self._logs = log_table(mirror)
        self._offers: Table[tuple[ReleaseName, Fingerprint], RevertOffer] = Table(
            mirror, STATE_BUCKET, OFFERS, RevertOffer, by_fingerprint
        )

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        """Return the latest attempt of every release and purpose on every host."""
        return self._attempts.read()

    def unread_installs(self) -> Mapping[tuple[ReleaseName, HostName], datetime]:
        """Return when those installs were last written down whose entries nobody can read."""
        found: dict[tuple[ReleaseName, HostName], datetime] = {}
        for key, message in self._attempts.unreadable().items():
            whose = install_of(key)
            if whose is not None:
                found[whose] = max(message.timestamp, found.get(whose, message.timestamp))
        return found

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        """Return what is proved of every package on every host."""
        return self._proofs.read()

    def runs(self) -> Mapping[tuple[JobId, HostName], RunStarted]:
        """Return the runs of our jobs that others have started."""
        return self._runs.read()

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        """Return the packages that we have published."""
        return {ref: item.owned for ref, item in self._packages.read().items()}

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        """Return the scripts that we have published."""
        return {ref: item.owned for ref, item in self._scripts.read().items()}

    def owned_jobs(self) -> Mapping[JobId, Owned]:
        """Return the jobs that we have registered."""
        return {job: item.owned for job, item in self._jobs.read().items()}

    def retired_jobs(self) -> frozenset[JobId]:
        """Return the jobs that we have deleted, or were about to."""
        return frozenset(self._retired.read())

    def release_records(self) -> Mapping[tuple[ReleaseName, Fingerprint], ReleaseRecord]:
        """Return the releases that have been proved."""
        return self._records.read()

    def approved(self) -> Mapping[ReleaseName, ReleaseRecord]:
        """Return what people have let through last of each release."""
        return self._approved.read()

    def quarantines(self) -> Mapping[tuple[ReleaseName, Fingerprint], Quarantine]:
        """Return the fingerprints that have failed; one stays so when nobody can read why."""
        found = {
            (item.release, item.fingerprint): item
            for key, message in self._quarantine.unreadable().items()
            for item in unreadable_quarantine(key, message.timestamp)
        }
        return {**found, **self._quarantine.read()}

    def offers(self) -> Mapping[tuple[ReleaseName, Fingerprint], RevertOffer]:
        """Return the results of offering reverts."""
        return self._offers.read()

    def logs(self) -> Mapping[tuple[ReleaseName, HostName], HostLog]:
        """Return what hosts had written down when they failed last."""
        return self._logs.read()

    async def record(self, attempt: Attempt) -> None:
        """See `ports.Journal`."""
        await self.write({journal_key(attempt.wish): encode(attempt)})

    async def prove(self, proof: Proof) -> None:
        """See `ports.Journal`."""
        await self.write({proof_key(proof.package, proof.host): encode(proof)})

    async def note_run(self, run: RunStarted) -> None:
        """See `ports.Journal`."""
        await self.write({run_key(run.job, run.host): encode(run)})

    async def forget_run(self, job: JobId, host: HostName) -> None:
        """See `ports.Journal`."""
        await self.write({run_key(job, host): None})

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        """See `ports.Inventory`."""
        await self._own(PACKAGES, ref, owned)

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        """See `ports.Inventory`."""
        await self._own(SCRIPTS, ref, owned)

    async def disown_package(self, ref: ObjectRef) -> None:
        """See `ports.Inventory`."""
        await self.write({inventory_key(PACKAGES, ref): None})

    async def disown_script(self, ref: ObjectRef) -> None:
        """See `ports.Inventory`."""
        await self.write({inventory_key(SCRIPTS, ref): None})

    async def own_job(self, job: JobId, owned: Owned) -> None:
        """See `ports.Inventory`."""
        await self.write({owned_job_key(job): encode(_OwnedJob(job=job, owned=owned))})

    async def retire_job(self, job: JobId) -> None:
        """See `ports.Inventory`."""
        retired = encode(_Retired(job=job))
        await self.write({retired_key(job): retired, owned_job_key(job): None})

    async def recall_job(self, job: JobId) -> None:
        """See `ports.Inventory`."""
        await self.write({retired_key(job): None})

    async def keep(self, record: ReleaseRecord) -> None:
        """See `ports.Archive`."""
        key = fingerprint_key(RECORDS, record.release, record.fingerprint)
        await self.write({key: encode(record)})

    async def keep_approved(self, record: ReleaseRecord) -> None:
        """See `ports.Archive`."""
        await self.write({approved_key(record.release): encode(record)})

    async def forget(self, release: ReleaseName, fingerprint: Fingerprint) -> None:
        """See `ports.Archive`."""
        await self.write({fingerprint_key(RECORDS, release, fingerprint): None})

    async def quarantine(self, quarantine: Quarantine) -> None:
        """See `ports.Archive`."""
        key = fingerprint_key(QUARANTINE, quarantine.release, quarantine.fingerprint)
        await self.write({key: encode(quarantine)})

    async def keep_log(self, log: HostLog) -> None:
        """See `ports.Archive`."""
        await self.write({log_key(log.release, log.host): encode(log)})

    async def note_offer(self, offer: RevertOffer) -> None:
        """See `ports.Archive`."""
        await self.write({fingerprint_key(OFFERS, offer.release, offer.fingerprint): encode(offer)})

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
            raise first_of(failed) from failed
        if tasks:
            await self._mirror.caught_up(max(task.result() for task in tasks))


def _attempt_key(attempt: Attempt) -> tuple[ReleaseName, HostName, Purpose]:
    return attempt.wish.release, attempt.wish.host, attempt.wish.purpose


def _proof_key(proof: Proof) -> tuple[PackageName, HostName]:
    return proof.package, proof.host


def _ref_of(entry: _OwnedObject) -> ObjectRef:
    return entry.ref
