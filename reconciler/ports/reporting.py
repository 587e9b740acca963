"""A whole reading of the world, and where its status is published."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.model.desired import Desired
from reconciler.model.identity import Revision
from reconciler.model.observed import Observed
from reconciler.model.outcome import Applied
from reconciler.model.status import Event, Status


class Observer(Protocol):
    """Reads everything that a plan depends on."""

    async def observe(self, desired: Desired, *, resync: bool = False) -> Observed:
        """Return one whole reading; *resync* trusts no warm copy.

        Raises:
            KanadeUnavailable: something did not answer, so there is no reading.
        """


class StatusBoard(Protocol):
    """Where the status is kept for people and machines to read."""

    def read(self) -> Status:
        """Return the last status that was published."""

    async def publish(self, status: Status, events: Sequence[Event]) -> None:
        """Keep *status*, only what is new of it, and publish *events*.

        Raises:
            LeaseLost: another controller leads.
        """


class Onlooker(Protocol):
    """Measures what the loop does; it is notified, asks nothing and holds nothing up."""

    def fetched(self, began: datetime, ended: datetime, revision: Revision | None) -> None:
        """The repository was asked; *revision* is in force now, `None` when that went wrong."""

    def passed(self, took: timedelta, applied: Applied | None, reason: str) -> None:
        """A pass was made, or could not be for *reason*, which is empty when it was."""

    def published(self, before: Status, after: Status) -> None:
        """The status was published; what is measured of a release is what changed in it."""
