"""An event loop whose time passes only when everybody waits, and then at once.

Timeouts, sleeps and backoffs take no time at all and always come in the same order. It is for
tests without I/O; where nobody will ever wake up again it says so and does not hang.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextvars import Context
from datetime import datetime, timedelta
from functools import partial, wraps
from itertools import count
from typing import ParamSpec

from tests.support.builders import NOON
from tests.support.clock import FakeClock

Parameters = ParamSpec("Parameters")


_LEAST = 1e-9
"""Who waits for less would wait for ever, because times are rounded to this."""


class _NumberedTask(asyncio.Task[object]):
    """A task whose place in a set follows from when it began, and not from where it is in memory.

    A task group cancels its tasks in the order of a set.
    """

    def __init__(
        self,
        numbers: Iterator[int],
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[object, object, object],
        *,
        context: Context | None = None,
    ) -> None:
        self._number = next(numbers)
        super().__init__(work, loop=loop, context=context)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits for I/O, and jumps to the next moment at which something is due."""

    def __init__(self) -> None:
        self._skipped = 0.0
        selector = selectors.DefaultSelector()
        self._poll = selector.select
        selector.select = self._select  # type: ignore[method-assign, assignment]  # nothing else is called
        super().__init__(selector)
        factory = partial(_NumberedTask, count())
        self.set_task_factory(factory)  # type: ignore[arg-type]  # its tasks are of any type

    def time(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self._skipped

    def _select(self, timeout: float | None = None) -> Sequence[object]:
        if timeout is None:
            ready = self._poll(0)
            if not ready:
                raise RuntimeError("everybody waits, and nobody will ever wake anybody")
            return ready
        if timeout > 0:
            self._skipped = round(self._skipped + max(timeout, _LEAST), 9)
        return ()


class LoopClock(FakeClock):
    """Implements `ports.Clock` by the time of the running loop; it may be so many seconds off."""

    def __init__(self, off_seconds: float = 0.0) -> None:
        super().__init__()
        self._off_seconds = off_seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.monotonic() + self._off_seconds)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())

    def advance(self, span: timedelta) -> None:
        raise AssertionError(f"time passes by itself; sleep for {span}")


def in_virtual_time(
    test: Callable[Parameters, Coroutine[object, object, None]],
) -> Callable[Parameters, None]:
    """Run an async test on a `VirtualLoop`."""

    @wraps(test)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
