"""Which revision is in force: the newest one without a fault, and why a newer one is not."""

from dataclasses import dataclass

import structlog

from reconciler.desired.load import load
from reconciler.errors import ReconcilerError
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.desired import Desired
from reconciler.model.snapshot import Snapshot
from reconciler.ports import Clock, Source

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A revision and what it asks for."""

    snapshot: Snapshot
    desired: Desired


class Revisions:
    """Follows the source; a revision with a fault changes nothing."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self.in_force: InForce | None = None
        """What the next pass goes by; `None` until there has ever been a good revision."""
        self.condition: Condition | None = None
        """Whether the repository can be read and its newest revision used; `None` at first."""

    async def look(self) -> bool:
        """Fetch, and tell whether another revision is in force now than before.

        A fault of any kind is in `condition` and in the log; it is never raised.
        """
        before = self.in_force
        try:
            await self._advance()
        except ReconcilerError as error:
            if self.in_force is None:
                await self._fall_back()
            self._tell(Truth.FALSE, error.reason, str(error))
        return self.in_force is not before

    async def look_or_raise(self) -> InForce:
        """Fetch, and return the newest revision, for those who do not wait for a better one.

        Raises:
            SourceUnavailable: git did not answer.
            SourceRefused: the ref or its history is not to be used.
            InvalidDesiredState: it has faults, all of them in the error.
        """
        return await self._advance()

    async def _advance(self) -> InForce:
        snapshot = await self._source.fetch()
        if self.in_force is None or self.in_force.snapshot != snapshot:
            found = InForce(snapshot=snapshot, desired=load(snapshot))
            await self._source.applied(snapshot.commit.revision)
            self.in_force = found
        self._tell(Truth.TRUE, "Fetched", f"revision {snapshot.commit.revision[:12]} is in force")
        return self.in_force

    async def _fall_back(self) -> None:
        """After a start the last good revision is in the clone, not in our memory."""
        try:
            snapshot = await self._source.last_applied()
            if snapshot is not None:
                self.in_force = InForce(snapshot=snapshot, desired=load(snapshot))
        except ReconcilerError as error:
            log.warning("last good revision unusable", reason=error.reason, error=str(error))

    def _tell(self, status: Truth, reason: str, message: str) -> None:
        old = self.condition
        if old is not None and (old.status, old.reason, old.message) == (status, reason, message):
            return
        self.condition = Condition(
            type=ConditionType.SOURCE_READY,
            status=status,
            reason=reason,
            message=message,
            revision=self.in_force.desired.revision if self.in_force is not None else None,
            since=self._clock.now(),
        )
        if status is Truth.FALSE:
            log.warning("source not ready", reason=reason, error=message)
