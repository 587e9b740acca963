"""Time, and how a wait is woken."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for deadlines."""

    async def sleep(self, delay: timedelta) -> None:
        """Wait for *delay*."""


Wake = Callable[[], None]
"""Asks for another check. It carries nothing."""
