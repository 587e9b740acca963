"""The machine's own clock."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

_ELAPSED: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux: it goes on while the machine sleeps, when a lease runs out all the same."""


class SystemClock:
    """Implements `ports.Clock`."""

    def now(self) -> datetime:
        """See `ports.Clock`."""
        return datetime.now(UTC)  # noqa: TID251 (this is where time comes from)

    def monotonic(self) -> float:
        """See `ports.Clock`."""
        return time.monotonic() if _ELAPSED is None else time.clock_gettime(_ELAPSED)

    async def sleep(self, delay: timedelta) -> None:
        """See `ports.Clock`."""
        await asyncio.sleep(delay.total_seconds())
