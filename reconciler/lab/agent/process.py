"""A script as a process: in a session of its own, so that all of it can be ended at once."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from reconciler.lab.agent.capture import Capture
from reconciler.lab.agent.killing import happens_first

_TERM_GRACE_SECONDS = 5
_DRAIN_GRACE_SECONDS = 2
_BLOCK_BYTES = 64 * 1024


class CommandFailed(Exception):
    """A command that was taken in could not be brought to an outcome of its own."""


class Ending(Enum):
    """How a run came to its end."""

    COMPLETED = "completed"
    TIMEOUT = "timeout"
    KILLED = "killed"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a finished run left behind."""

    ending: Ending
    exit_code: int
    stdout: str
    stderr: str


async def run_script(
    argv: tuple[str, ...],
    *,
    environment: Mapping[str, str],
    folder: str | None,
    timeout_seconds: float,
    switch: asyncio.Event,
) -> Run:
    """Run *argv* to its end, its timeout or its kill.

    A daemon that the script detached stays alive after a clean end; only what it wrote by
    then is kept.

    Raises:
        CommandFailed: the program cannot be started.
    """
    if switch.is_set():
        return Run(ending=Ending.KILLED, exit_code=-1, stdout="", stderr="")
    process = await _spawned(argv, environment, folder)
    streams = (Capture(), Capture())
    readers = [
        asyncio.ensure_future(_read(reader, capture))
        for reader, capture in zip((process.stdout, process.stderr), streams, strict=True)
    ]
    ending = await _ending(process, timeout_seconds, switch)
    if ending is not Ending.COMPLETED:
        await _end(process)
    await asyncio.wait(readers, timeout=_DRAIN_GRACE_SECONDS)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    code = process.returncode
    return Run(
        ending=ending,
        exit_code=code if code is not None and code >= 0 else -1,
        stdout=streams[0].text(),
        stderr=streams[1].text(),
    )


async def _spawned(
    argv: tuple[str, ...], environment: Mapping[str, str], folder: str | None
) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            env=environment,
            cwd=folder or None,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(
            f"spawn {argv[0]}: {error.strerror} (os error {error.errno})"
        ) from error
    except ValueError as error:
        raise CommandFailed(f"spawn {argv[0]}: nul byte found in provided data") from error


async def _ending(process: Process, timeout_seconds: float, switch: asyncio.Event) -> Ending:
    try:
        async with asyncio.timeout(timeout_seconds):
            killed = await happens_first(switch, process.wait())
    except TimeoutError:
        return Ending.TIMEOUT
    return Ending.KILLED if killed else Ending.COMPLETED


async def _end(process: Process) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TERM_GRACE_SECONDS):
            await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


async def _read(reader: asyncio.StreamReader | None, capture: Capture) -> None:
    while reader is not None and (data := await reader.read(_BLOCK_BYTES)):
        capture.add(data)
