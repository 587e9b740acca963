"""Our own state as a pass reads it: implements `ports.Records`."""

import asyncio
from collections.abc import Mapping

from reconciler.jetstream.mirror import Mirror
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import HostName, ObjectRef, PackageName, ReleaseName
from reconciler.model.observed import Owned, Requests
from reconciler.model.proof import Proof
from reconciler.state.ledger import Ledger
from reconciler.state.requests import RequestBook


class StateRecords:
    """The two buckets, read as one."""

    def __init__(self, ledger: Ledger, book: RequestBook, mirrors: tuple[Mirror, ...]) -> None:
        self._ledger = ledger
        self._book = book
        self._mirrors = mirrors

    async def refresh(self) -> None:
        """See `ports.Records`."""
        await asyncio.gather(*(mirror.refresh() for mirror in self._mirrors))

    async def resync(self) -> None:
        """See `ports.Records`."""
        await asyncio.gather(*(mirror.resync() for mirror in self._mirrors))

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        """See `ports.Records`."""
        return self._ledger.attempts()

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        """See `ports.Records`."""
        return self._ledger.proofs()

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        """See `ports.Records`."""
        return self._ledger.owned_packages()

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        """See `ports.Records`."""
        return self._ledger.owned_scripts()

    def requests(self) -> Requests:
        """See `ports.Records`."""
        return self._book.read()
