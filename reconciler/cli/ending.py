"""SIGTERM as an end in order: what was begun is taken down as after an interrupt."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

_Found = TypeVar("_Found")


async def until_told_to_end(work: Coroutine[object, object, _Found]) -> _Found:
    """Return what *work* returns; SIGTERM cancels it.

    Raises:
        CancelledError: it was asked to end, and has cleaned up.
    """
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
