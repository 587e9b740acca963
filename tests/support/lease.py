"""A lease for tests in which nobody else leads, which remembers what it was asked."""

from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.errors import LeaseLost


@dataclass(kw_only=True)
class LeaseOfOne:
    """Implements `ports.Lease`; it is lost after so many confirmations."""

    lost_after: int = 1_000_000
    asked: list[tuple[timedelta, bool]] = field(default_factory=list)
    """For how long, and whether the server was to have its say."""

    async def confirm(self, for_at_least: timedelta, *, renew: bool = False) -> None:
        if len(self.asked) >= self.lost_after:
            raise LeaseLost("another controller leads")
        self.asked.append((for_at_least, renew))
