"""Our own state: what was meant, done, proved, published and refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

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
from reconciler.model.observed import Owned, Requests
from reconciler.model.proof import Proof
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.report import RunStarted
from reconciler.model.revert import RevertOffer
from reconciler.ports.reading import Reading


class Records(Reading, Protocol):
    """Our own state, to be read."""

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        """Return the latest attempt of every release and purpose on every host."""

    def unread_installs(self) -> Mapping[tuple[ReleaseName, HostName], datetime]:
        """Return when those installs were last written down whose entries nobody can read.

        What becomes of them, and whether they have ended, is unknown; the server's clock.
        """

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        """Return what is proved of every package on every host."""

    def runs(self) -> Mapping[tuple[JobId, HostName], RunStarted]:
        """Return the runs of our jobs that others have started, and whose end is not reported."""

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        """Return the packages that we have published."""

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        """Return the scripts that we have published."""

    def retired_jobs(self) -> frozenset[JobId]:
        """Return the jobs that we have deleted, or were about to."""

    def owned_jobs(self) -> Mapping[JobId, Owned]:
        """Return the jobs that we have registered, by the digest of what we last wrote."""

    def release_records(self) -> Mapping[tuple[ReleaseName, Fingerprint], ReleaseRecord]:
        """Return the releases that have been proved."""

    def approved(self) -> Mapping[ReleaseName, ReleaseRecord]:
        """Return what people have let through last of each release."""

    def quarantines(self) -> Mapping[tuple[ReleaseName, Fingerprint], Quarantine]:
        """Return the fingerprints that have failed."""

    def offers(self) -> Mapping[tuple[ReleaseName, Fingerprint], RevertOffer]:
        """Return the results of offering to revert what is quarantined."""

    def logs(self) -> Mapping[tuple[ReleaseName, HostName], HostLog]:
        """Return what hosts had written down when they failed last."""

    def requests(self) -> Requests:
        """Return what people ask for."""


class Journal(Protocol):
    """Our own record of what was intended and how it ended; only the leader writes."""

    async def record(self, attempt: Attempt) -> None:
        """Keep *attempt*, in place of the host's last one of the same release and purpose.

        Raises:
            LeaseLost: another controller leads; nothing was written.
        """

    async def prove(self, proof: Proof) -> None:
        """Keep what is now proved of a host; raises as `record`."""

    async def note_run(self, run: RunStarted) -> None:
        """Keep that somebody else has started a job of ours; raises as `record`."""

    async def forget_run(self, job: JobId, host: HostName) -> None:
        """Forget it: its end was reported."""


class Inventory(Protocol):
    """What we have put into kanade, written down so that only that is ever changed or pruned."""

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        """Note that the package *ref* is ours."""

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        """Note that the script *ref* is ours."""

    async def own_job(self, job: JobId, owned: Owned) -> None:
        """Note that the job is ours, and what we have made of it."""

    async def disown_package(self, ref: ObjectRef) -> None:
        """Strike out the package *ref*: it is gone."""

    async def disown_script(self, ref: ObjectRef) -> None:
        """Strike out the script *ref*: it is gone."""

    async def retire_job(self, job: JobId) -> None:
        """Note that it is us who delete *job*."""

    async def recall_job(self, job: JobId) -> None:
        """Strike that out: the job is in use again."""


class Archive(Protocol):
    """What has been good and what has been bad; only the leader writes, and raises as `Journal`."""

    async def keep(self, record: ReleaseRecord) -> None:
        """Keep what may be gone back to."""

    async def keep_approved(self, record: ReleaseRecord) -> None:
        """Keep what people have let through, in place of what they had before."""

    async def forget(self, release: ReleaseName, fingerprint: Fingerprint) -> None:
        """Drop a record that nothing needs any more."""

    async def quarantine(self, quarantine: Quarantine) -> None:
        """Keep what is not to be tried again."""

    async def keep_log(self, log: HostLog) -> None:
        """Keep what a host had written down, in place of what it had at an earlier failure."""

    async def note_offer(self, offer: RevertOffer) -> None:
        """Keep the result of an offer, so that it is made once."""
