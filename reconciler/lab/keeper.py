"""Ends everything that a lab has started once the lab itself is gone, even by `kill -9`.

`python -m reconciler.lab.keeper ID` reads its standard input until it ends, which is when the
process that holds the other end has gone, and then kills every process whose environment
carries `KANADE_LAB_ID=ID`. The mark is inherited, so it reaches what no list of process ids
could: services restarted meanwhile, and scripts that outlived their agent.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

MARK = "KANADE_LAB_ID"
_PROC = Path("/proc")
_QUIET_ROUNDS = 3


def marked(lab_id: str) -> list[int]:
    """Return the ids of all processes that carry the mark of *lab_id*."""
    if _PROC.is_dir():
        return list(_marked_in_proc(f"{MARK}={lab_id}".encode()))
    return list(_marked_by_ps(f"{MARK}={lab_id}"))


def sweep(lab_id: str) -> None:
    """Kill all processes of *lab_id*, and those that these were just starting."""
    quiet = 0
    while quiet < _QUIET_ROUNDS:
        found = marked(lab_id)
        quiet = 0 if found else quiet + 1
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


@contextlib.asynccontextmanager
async def kept(lab_id: str) -> AsyncIterator[None]:
    """Watch over *lab_id*: nothing of it outlives this context, nor this process."""
    keeper = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reconciler.lab.keeper", lab_id,
        stdin=PIPE, stdout=DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        if keeper.stdin is not None:
            keeper.stdin.close()
        await keeper.wait()


def _marked_in_proc(mark: bytes) -> Iterator[int]:
    own = os.getpid()
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal() or int(entry.name) == own:
            continue
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def _marked_by_ps(mark: str) -> Iterator[int]:
    listing = subprocess.run(
        ["ps", "-A", "-E", "-ww", "-o", "pid=,command="], capture_output=True, text=True, check=True
    )
    for line in listing.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if mark in command.split() and int(pid) != os.getpid():
            yield int(pid)


def main() -> None:
    """Wait for the end of standard input, then sweep."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(sys.argv[1])


if __name__ == "__main__":
    main()
