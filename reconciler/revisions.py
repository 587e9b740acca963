"""Which revision is in force: the newest one without a fault, and why a newer one is not."""

from dataclasses import dataclass, replace

import structlog

from reconciler.desired.load import load
from reconciler.errors import InternalError, ReconcilerError
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.desired import Desired
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Snapshot
from reconciler.ports import Clock, Source

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A revision and what it asks for."""

    snapshot: Snapshot
    desired: Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of the repository at one moment: a pass takes it once, and uses only that."""

    in_force: InForce | None = None
    """`None` until there has ever been a good revision."""
    condition: Condition | None = None
    """Whether the repository can be read and its newest revision used; `None` at first."""
    answered: str = ""
    """The id of the last request to reconcile that was made before a fetch."""


class Revisions:
    """Follows the source; a revision with a fault changes nothing."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self.standing = Standing()
        """Never changed, only replaced: a pass that holds it sees nothing of a later fetch."""

    @property
    def in_force(self) -> InForce | None:
        """What a pass that begins now works with."""
        return self.standing.in_force

    @property
    def fetched(self) -> Revision | None:
        """What is in force, when the last fetch has found it in the repository."""
        condition = self.standing.condition
        found = condition is not None and condition.status is Truth.TRUE
        return self.in_force.desired.revision if found and self.in_force is not None else None

    async def fetch(self, asked: str = "") -> bool:
        """Fetch, and return whether another revision is in force now than before.

        A fault of any kind is in `standing` and in the log; it is never raised. *asked* is the id
        of the request that this fetch answers, if any.
        """
        before = self.in_force
        try:
            await self._advance()
        except ReconcilerError as error:
            if self.in_force is None:
                await self._fall_back()
            self._set_condition(Truth.FALSE, error.reason, str(error), error.__cause__)
        self.standing = replace(self.standing, answered=asked or self.standing.answered)
        return self.in_force is not before

    async def fetch_or_raise(self) -> InForce:
        """Fetch, and return the newest revision, for those who do not wait for a better one.

        Raises:
            SourceUnavailable: git did not answer.
            SourceRefused: the ref or its history is not to be used.
            InvalidDesiredState: it has faults, all of them in the error.
            InternalError: we have one.
        """
        return await self._advance()

    async def _advance(self) -> InForce:
        snapshot = await self._source.fetch()
        found = self.in_force
        if found is None or found.snapshot != snapshot:
            found = InForce(snapshot=snapshot, desired=_loaded(snapshot))
            await self._source.applied(snapshot.commit.revision)
            self.standing = replace(self.standing, in_force=found)
        self._set_condition(
            Truth.TRUE, "Fetched", f"revision {snapshot.commit.revision[:12]} is in force"
        )
        return found

    async def _fall_back(self) -> None:
        """After a start the last good revision is in the clone, not in our memory."""
        try:
            snapshot = await self._source.last_applied()
            if snapshot is not None:
                found = InForce(snapshot=snapshot, desired=_loaded(snapshot))
                self.standing = replace(self.standing, in_force=found)
        except ReconcilerError as error:
            log.warning("last good revision unusable", reason=error.reason, error=str(error))

    def _set_condition(
        self, status: Truth, reason: str, message: str, cause: BaseException | None = None
    ) -> None:
        old = self.standing.condition
        if old is not None and (old.status, old.reason, old.message) == (status, reason, message):
            return
        condition = Condition(
            type=ConditionType.SOURCE_READY,
            status=status,
            reason=reason,
            message=message,
            revision=self.in_force.desired.revision if self.in_force is not None else None,
            since=self._clock.now(),
        )
        self.standing = replace(self.standing, condition=condition)
        if reason == InternalError.reason:
            log.error("source not ready", reason=reason, error=message, exc_info=cause)
        elif status is Truth.FALSE:
            log.warning("source not ready", reason=reason, error=message)


def _loaded(snapshot: Snapshot) -> Desired:
    """Return what *snapshot* asks for; anybody can push a file that shows a bug of ours."""
    try:
        return load(snapshot)
    except ReconcilerError:
        raise
    except Exception as error:
        raise InternalError(snapshot.commit.revision, error) from error
