"""What triggers a fetch: the clock, a signal, a push; none of them carries anything.

A trigger may be late, wrong, or come ten times: the pass that follows reads everything.
"""

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from reconciler.ports import Clock, Wake

_JITTER_SHARE = 0.2


class Trigger(Protocol):
    """Something that wakes the controller until it is cancelled."""

    async def run(self, wake: Wake) -> None:
        """Call *wake* whenever a fetch is worth it; does not return by itself."""


class PendingWake:
    """At most one wake waits, however many were asked for; it is itself a `ports.Wake`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __call__(self) -> None:
        """Ask for a fetch; for the event loop's own thread."""
        self._event.set()

    async def wait(self, at_most: timedelta | None = None) -> bool:
        """Wait for a wake and take it; `False` when there was none for *at_most*."""
        seconds = None if at_most is None else at_most.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Timer:
    """Wakes at an interval, each time a little off, so that many controllers spread out."""

    def __init__(
        self, clock: Clock, random: Callable[[], float], interval: timedelta = timedelta(minutes=1)
    ) -> None:
        """*random* returns a number from 0 up to 1."""
        self._clock = clock
        self._random = random
        self._interval = interval

    async def run(self, wake: Wake) -> None:
        """Wake every interval, give or take a tenth of it."""
        while True:
            share = 1 + _JITTER_SHARE * (self._random() - 0.5)
            await self._clock.sleep(self._interval * share)
            wake()


class Signal:
    """Wakes when the process is sent a signal: `kill -HUP` by default."""

    def __init__(self, number: signal.Signals = signal.SIGHUP) -> None:
        self._number = number

    async def run(self, wake: Wake) -> None:
        """Wake at each signal; afterwards the signal does again what it did before."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(self._number, wake)
        try:
            await asyncio.Event().wait()
        finally:
            loop.remove_signal_handler(self._number)
