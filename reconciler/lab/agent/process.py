"""A script as a process: in a session of its own, so that all of it can be ended at once."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, Process
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
    streams = (Stream(), Stream())
    try:
        process = await _spawned(argv, environment, folder, streams)
        readers = [asyncio.ensure_future(stream.read()) for stream in streams]
        ending = await _ending(process, timeout_seconds, switch)
        if ending is not Ending.COMPLETED:
            await _end(process)
        await asyncio.wait(readers, timeout=_DRAIN_GRACE_SECONDS)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    finally:
        for stream in streams:
            stream.close()
    code = process.returncode
    return Run(
        ending=ending,
        exit_code=code if code is not None and code >= 0 else -1,
        stdout=streams[0].capture.text(),
        stderr=streams[1].capture.text(),
    )


class Stream:
    """A pipe of our own: asyncio's would make the end of a script wait for its daemons."""

    def __init__(self) -> None:
        self.capture = Capture()
        self._read_end, self.write_end = os.pipe()
        self._transport: asyncio.ReadTransport | None = None

    def started(self) -> None:
        """Leave the writing end to the script alone."""
        os.close(self.write_end)
        self.write_end = -1

    async def read(self) -> None:
        """Take in what is written, until nobody can write any more."""
        reader = asyncio.StreamReader()
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._read_end, "rb")
        )
        while data := await reader.read(_BLOCK_BYTES):
            self.capture.add(data)

    def close(self) -> None:
        """Stop reading."""
        if self.write_end >= 0:
            os.close(self.write_end)
        if self._transport is not None:
            self._transport.close()
        else:
            os.close(self._read_end)


async def _spawned(
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    folder: str | None,
    streams: tuple[Stream, Stream],
) -> Process:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=environment,
            cwd=folder or None,
            stdin=DEVNULL,
            stdout=streams[0].write_end,
            stderr=streams[1].write_end,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(
            f"spawn {argv[0]}: {error.strerror} (os error {error.errno})"
        ) from error
    except ValueError as error:
        raise CommandFailed(f"spawn {argv[0]}: nul byte found in provided data") from error
    for stream in streams:
        stream.started()
    return process


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
