"""A clock that the test owns."""

import asyncio
from datetime import datetime, timedelta

from tests.support.builders import NOON


class FakeClock:
    """Implements `ports.Clock`: time passes when the test says so, or by sleeping."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, delay: timedelta) -> None:
        self.advance(delay)
        await asyncio.sleep(0)

    def advance(self, span: timedelta) -> None:
        self._now += span
        self._seconds += span.total_seconds()
