"""A prune that was held, and a person's approval of it."""

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.fingerprint import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPrune:
    """What would be deleted and is not, because it is so much."""

    items: tuple[str, ...]
    """Each thing by its kind and name, and which one of that name it is."""

    @property
    def digest(self) -> str:
        """Names this very set."""
        return fingerprint({"items": list(self.items)})


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneApproval:
    """A person's approval to delete these things, and no others.

    While they go one by one the approval holds for those that are left; anything that is not
    among them makes it void.
    """

    items: tuple[str, ...]
    approver: str
    at: datetime
    reason: str = ""
    signature: str = field(default="", repr=False)
    """As that of `Approval`."""

    def covers(self, held: HeldPrune) -> bool:
        """True when nothing of *held* was not agreed to."""
        return set(held.items) <= set(self.items)
