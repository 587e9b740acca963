"""Waiting for something that only its own endpoint can show."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from reconciler.lab.failure import LabFailed

STEP = timedelta(milliseconds=15)


async def until(
    condition: Callable[[], Awaitable[bool]],
    what: str,
    within: timedelta = timedelta(seconds=60),
) -> None:
    """Return as soon as *condition* holds.

    Raises:
        LabFailed: it did not hold in time; *what* says what was waited for.
    """
    deadline = time.monotonic() + within.total_seconds()
    while not await condition():
        if time.monotonic() > deadline:
            raise LabFailed(f"{what} did not happen within {within.total_seconds():g} s")
        await asyncio.sleep(STEP.total_seconds())
