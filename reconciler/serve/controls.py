"""What the page and the API work with: the status, the events, and the book of requests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.approval import Approval
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Suspension
from reconciler.model.status import Status
from reconciler.ports import Clock
from reconciler.serve.news import News
from reconciler.state.chronicle import Entry


class Entries(Protocol):
    """The newest events."""

    @property
    def newest(self) -> int:
        """The number of the last one."""

    def entries(self, after: int = 0) -> Sequence[Entry]:
        """Return those that came *after* a number, the oldest first."""


class Book(Protocol):
    """Where people's requests are written down for the planner to read."""

    async def approve(self, approval: Approval) -> None:
        """Let a release's fingerprint through."""

    async def suspend(self, suspension: Suspension) -> None:
        """Stop a release where it stands."""

    async def resume(self, release: ReleaseName) -> None:
        """Let a release go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the page and the JSON API read, and where they write."""

    status: Callable[[], Status]
    events: Entries
    book: Book
    news: News
    clock: Clock
    needs_signature: bool = False
    """Only approvals that an SSH key has signed count: the page cannot sign."""
