"""Who is notified of what, and how."""

from dataclasses import dataclass
from typing import Protocol

from reconciler.model.identity import ReleaseName
from reconciler.model.status import Event


class Provider(Protocol):
    """One way to notify somebody."""

    async def send(self, event: Event) -> None:
        """Notify of *event*; what does not concern this provider is passed over.

        Sent again, after a crash or an answer that was lost, the same event does no harm where
        the far end can recognise its id.

        Raises:
            NotificationNotDelivered: it did not get through; worth sending again.
            Undeliverable: it was refused.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One entry of the settings."""

    name: str
    provider: Provider
    releases: frozenset[ReleaseName] = frozenset()
    """Only these; empty for all, and for what concerns the controller itself."""
    errors_only: bool = False
    every_condition: bool = False
    """Not the headlines alone: a commit's check follows each condition of a release."""
    hosts: bool = False
    """Also what befalls single hosts."""
    attempts: int = 10

    def wants(self, event: Event) -> bool:
        """True for what this target is notified of."""
        return (
            (not self.releases or event.release in self.releases)
            and (event.headline or self.every_condition)
            and (not self.errors_only or event.severity == "error")
            and (self.hosts or event.host is None)
        )
