"""Our own state as a pass reads it: implements `ports.Records`."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from reconciler.errors import KanadeRefused
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
from reconciler.model.observed import Owned, Requests
from reconciler.model.proof import Proof
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.report import RunStarted
from reconciler.model.revert import RevertOffer
from reconciler.state.lease import Make
from reconciler.state.ledger import Ledger
from reconciler.state.requests import RequestBook


class StateRecords:
    """The two buckets, read as one."""

    def __init__(
        self, ledger: Ledger, book: RequestBook, mirrors: tuple[Mirror, ...], make: Make
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._mirrors = mirrors
        self._make = make

    async def refresh(self) -> None:
        """See `ports.Records`; buckets that somebody has deleted are made again, empty."""
        try:
            await asyncio.gather(*(mirror.refresh() for mirror in self._mirrors))
        except KanadeRefused:
            await self.resync()

    async def resync(self) -> None:
        """See `ports.Records`."""
        await self._make()
        await asyncio.gather(*(mirror.resync() for mirror in self._mirrors))

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        """See `ports.Records`."""
        return self._ledger.attempts()

    def unread_installs(self) -> Mapping[tuple[ReleaseName, HostName], datetime]:
        """See `ports.Records`."""
        return self._ledger.unread_installs()

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        """See `ports.Records`."""
        return self._ledger.proofs()

    def runs(self) -> Mapping[tuple[JobId, HostName], RunStarted]:
        """See `ports.Records`."""
        return self._ledger.runs()

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        """See `ports.Records`."""
        return self._ledger.owned_packages()

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        """See `ports.Records`."""
        return self._ledger.owned_scripts()

    def retired_jobs(self) -> frozenset[JobId]:
        """See `ports.Records`."""
        return self._ledger.retired_jobs()

    def owned_jobs(self) -> Mapping[JobId, Owned]:
        """See `ports.Records`."""
        return self._ledger.owned_jobs()

    def release_records(self) -> Mapping[tuple[ReleaseName, Fingerprint], ReleaseRecord]:
        """See `ports.Records`."""
        return self._ledger.release_records()

    def approved(self) -> Mapping[ReleaseName, ReleaseRecord]:
        """See `ports.Records`."""
        return self._ledger.approved()

    def quarantines(self) -> Mapping[tuple[ReleaseName, Fingerprint], Quarantine]:
        """See `ports.Records`."""
        return self._ledger.quarantines()

    def offers(self) -> Mapping[tuple[ReleaseName, Fingerprint], RevertOffer]:
        """See `ports.Records`."""
        return self._ledger.offers()

    def logs(self) -> Mapping[tuple[ReleaseName, HostName], HostLog]:
        """See `ports.Records`."""
        return self._ledger.logs()

    def requests(self) -> Requests:
        """See `ports.Records`."""
        return self._book.read()
