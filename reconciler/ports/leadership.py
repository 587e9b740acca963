"""Any number of controllers may run, and one acts."""

from datetime import timedelta
from typing import Protocol

RENEWAL = timedelta(seconds=5)
"""How often the leader renews its lease: it outlasts two renewals that fail."""


class Lease(Protocol):
    """Leadership: any number of controllers may run, one acts."""

    async def confirm(self, for_at_least: timedelta, *, renew: bool = False) -> None:
        """Make sure that we lead, and go on to for so long: as long as a request may take.

        *renew* renews the lease however much of it is left, so that the server confirms it.

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
        """Take the lease if it is free or has run out; return whether we lead.

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
