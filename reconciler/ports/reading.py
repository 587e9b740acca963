"""What every warm copy of something on NATS can do."""

from typing import Protocol


class Reading(Protocol):
    """A warm copy of something on NATS."""

    async def refresh(self) -> None:
        """Make sure that the next readings are current.

        Raises:
            KanadeUnavailable: no answer, so nothing is known.
        """

    async def resync(self) -> None:
        """Read everything again, as at the start; raises as `refresh`."""
