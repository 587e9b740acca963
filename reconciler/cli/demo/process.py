"""The controller as a process of its own, and a client that reads what it reports."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from reconciler.cli.settings import load_settings
from reconciler.cli.status_client import StatusClient, open_status_client
from reconciler.errors import ReconcilerError

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.02


@asynccontextmanager
async def controller_process(config: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a controller until the context ends; it is asked to stop, and killed if it does not."""
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "reconciler", "--config", str(config), "run",
            stdin=asyncio.subprocess.DEVNULL, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def client_of(
    config: Path, process: asyncio.subprocess.Process
) -> AsyncIterator[StatusClient]:
    """Open the status as soon as the controller has made a place for it."""
    async with AsyncExitStack() as stack:
        yield await _enter(stack, config, process)


async def _enter(
    stack: AsyncExitStack, config: Path, process: asyncio.subprocess.Process
) -> StatusClient:
    settings = load_settings(config, ())
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return await stack.enter_async_context(open_status_client(settings))
        except ReconcilerError:
            if time.monotonic() > deadline or process.returncode is not None:
                raise
            await asyncio.sleep(_LOOK_SECONDS)
