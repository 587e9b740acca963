"""Child processes that end: a deadline, a bounded output, and nobody left behind."""

import asyncio
import errno
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from reconciler.source.names import shown

_READ_BYTES = 64 * 1024
_KEPT_ERROR_BYTES = 8 * 1024
_LEAVE_WITHIN_SECONDS = 2
_LIMIT_BLOCK_BYTES = 512
"""POSIX: the unit of `ulimit -f`."""


class NotStarted(Exception):
    """A command could not be started at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command as an argument list, with all that it may see and use."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path = Path("/")
    max_file_bytes: int | None = None
    """No file that the command writes may become larger, in whole blocks of 512 bytes; its kernel
    ends it at that point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The outcome of a command; `errors` is the end of its standard error."""

    code: int
    output: bytes
    errors: str
    output_cut: bool
    """The output went past the limit, and the command was ended there."""


@asynccontextmanager
async def running(
    call: Invocation, *, output: BinaryIO | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a command in a process group of its own; on the way out the whole group is ended.

    All its output goes to the file *output*, or else through pipes.

    Raises:
        NotStarted: there is no such command, or no room for one more process.
    """
    try:
        process = await _started(call, output)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise NotStarted(f"{shown(call.arguments[0])} cannot be started: {reason}") from error
    try:
        yield process
    finally:
        if process.returncode is None:
            end_group(process.pid)
        await _let_go(process)


async def _started(call: Invocation, output: BinaryIO | None) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *_limited(call),
            env=call.environment,
            cwd=call.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output or asyncio.subprocess.PIPE,
            stderr=output or asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio itself would end the command alone, and nothing that it has started by then.
        with suppress(OSError):
            process = await starting
            end_group(process.pid)
            await _let_go(process)
        raise


def _limited(call: Invocation) -> tuple[str, ...]:
    """Put the limit on files before a command, which must not run a moment without it."""
    if call.max_file_bytes is None:
        return call.arguments
    executable = _executable(call)
    blocks = -(-call.max_file_bytes // _LIMIT_BLOCK_BYTES)
    script = f'ulimit -f {blocks} && exec "$0" "$@"'
    return ("/bin/sh", "-c", script, executable, *call.arguments[1:])


def _executable(call: Invocation) -> str:
    """Find a command as the kernel would: the shell's own message of its absence comes too late."""
    name = call.arguments[0]
    if "/" in name:
        name = str(call.folder / name)
    found = shutil.which(name, path=call.environment.get("PATH", os.defpath))
    if found is None:
        reason = errno.EACCES if Path(name).exists() else errno.ENOENT
        raise OSError(reason, os.strerror(reason))
    return found


async def finished(call: Invocation, *, deadline: timedelta, max_output_bytes: int) -> Finished:
    """Run a command to its end.

    Raises:
        TimeoutError: it took longer than *deadline*; its group was ended.
        NotStarted: there is no such command, or no room for one more process.
    """
    async with asyncio.timeout(deadline.total_seconds()), running(call) as process:
        async with asyncio.TaskGroup() as readers:
            output = readers.create_task(_output(process, max_output_bytes))
            errors = readers.create_task(ending(process.stderr))
        code = await process.wait()
    text = errors.result().decode("utf-8", "replace")
    body, cut = output.result()
    return Finished(code=code, output=body, errors=text, output_cut=cut)


def end_group(group: int) -> None:
    """Kill every process of *group* that is still there."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


async def ending(stream: asyncio.StreamReader | None) -> bytes:
    """Read *stream* to its end, and keep the last few kilobytes of it."""
    kept = b""
    while stream is not None and (block := await stream.read(_READ_BYTES)):
        kept = (kept + block)[-_KEPT_ERROR_BYTES:]
    return kept


async def _let_go(process: asyncio.subprocess.Process) -> None:
    """Read what is left in the pipes: asyncio closes its end of one at its end only."""
    with suppress(TimeoutError):  # by a child that left the group, and has the pipe open still
        async with asyncio.timeout(_LEAVE_WITHIN_SECONDS):
            await process.communicate()


async def _output(process: asyncio.subprocess.Process, limit: int) -> tuple[bytes, bool]:
    body = bytearray()
    while process.stdout is not None and (block := await process.stdout.read(_READ_BYTES)):
        body += block
        if len(body) > limit:
            end_group(process.pid)
            # The end of a process is seen after the end of its pipes, and a full one has none.
            while await process.stdout.read(_READ_BYTES):
                pass
            return bytes(body[:limit]), True
    return bytes(body), False
