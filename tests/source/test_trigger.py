"""What wakes the controller: seldom, often, or ten times at once."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from reconciler.source.trigger import PendingWake, Signal, Timer
from tests.support.clock import FakeClock

MINUTE = timedelta(minutes=1)


class RecordingClock(FakeClock):
    """Notes how long it was asked to sleep, and lets only so many sleeps end."""

    def __init__(self, sleeps: int) -> None:
        super().__init__()
        self.slept: list[float] = []
        self._left = sleeps

    async def sleep(self, delay: timedelta) -> None:
        if not self._left:
            raise asyncio.CancelledError
        self._left -= 1
        self.slept.append(delay.total_seconds())


@pytest.mark.parametrize(
    ("drawn", "seconds"), [(0.0, 54.0), (0.25, 57.0), (0.5, 60.0), (0.75, 63.0)]
)
async def test_the_timer_wakes_after_its_interval_give_or_take_a_tenth(
    drawn: float, seconds: float
) -> None:
    clock = RecordingClock(3)
    wakes: list[int] = []

    with pytest.raises(asyncio.CancelledError):
        await Timer(clock, lambda: drawn, MINUTE).run(lambda: wakes.append(1))

    assert clock.slept == pytest.approx([seconds] * 3)
    assert len(wakes) == 3


async def test_the_timer_draws_anew_each_time() -> None:
    clock = RecordingClock(2)
    draws: Iterator[float] = iter([0.0, 0.5, 0.9])

    with pytest.raises(asyncio.CancelledError):
        await Timer(clock, lambda: next(draws), MINUTE).run(lambda: None)

    assert clock.slept == pytest.approx([54.0, 60.0])


async def test_many_wakes_are_one() -> None:
    wake = PendingWake()
    for _ in range(10):
        wake()

    assert await wake.wait()
    assert not await wake.wait(timedelta(milliseconds=1))


async def test_a_wake_during_the_work_is_not_lost() -> None:
    wake = PendingWake()
    wake()
    await wake.wait()

    wake()

    assert await wake.wait(timedelta(milliseconds=1))


async def test_a_wake_ends_a_wait() -> None:
    wake = PendingWake()
    waiting = asyncio.ensure_future(wake.wait())
    await asyncio.sleep(0)
    assert not waiting.done()

    wake()

    assert await waiting


async def test_a_signal_wakes_until_it_is_not_listened_to_any_more() -> None:
    woken = asyncio.Event()
    before = signal.getsignal(signal.SIGUSR1)
    listening = asyncio.ensure_future(Signal(signal.SIGUSR1).run(woken.set))
    await asyncio.sleep(0)

    for _ in range(2):
        os.kill(os.getpid(), signal.SIGUSR1)
        async with asyncio.timeout(60):
            await woken.wait()
        woken.clear()
    listening.cancel()
    await asyncio.wait([listening])

    assert signal.getsignal(signal.SIGUSR1) is before
