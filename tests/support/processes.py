"""Commands as processes that a test talks to while they run: over pipes, or on a terminal."""

import contextlib
import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.command_line import command

SECONDS = 60.0
"""How long a controller may take to end, and anything else to be seen."""


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.outside, inside = pty.openpty()
        self.seen = b""
        self.process = subprocess.Popen(
            command(*words),
            env={**os.environ, **environment},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)

    def read_until(self, text: bytes) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            assert self._read(deadline - time.monotonic()), self.seen

    def wait_until_it_waits(self) -> None:
        """Return when the command does nothing but wait for an answer."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        deadline = time.monotonic() + SECONDS
        while stat.read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < deadline

    def end(self) -> int:
        """Read what is still said, and return the exit code."""
        while self._read(SECONDS):
            pass
        os.close(self.outside)
        return self.process.wait(SECONDS)

    def _read(self, seconds: float) -> bool:
        """Read a piece; false at the end of everything."""
        ready, _, _ = select.select([self.outside], [], [], max(0.0, seconds))
        assert ready, f"nothing more after {self.seen!r}"
        with contextlib.suppress(OSError):  # what a terminal says that nobody writes to any more
            piece = os.read(self.outside, 4096)
            self.seen += piece
            return bool(piece)
        return False


@contextlib.contextmanager
def started(
    words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside the test, its output in pipes; it does not outlive the block."""
    process = subprocess.Popen(
        command(*words),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[bytes], event: str) -> list[dict[str, object]]:
    """Read the log until *event*, and return what there was; each line is JSON."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == event:
            return lines
    pytest.fail(f"no {event}: {lines}")


def read_json(process: subprocess.Popen[bytes]) -> object:
    """Return the next document that *process* prints."""
    assert process.stdout is not None
    text = b""
    for line in iter(process.stdout.readline, b""):
        text += line
        with contextlib.suppress(json.JSONDecodeError):
            found: object = json.loads(text)
            return found
    raise AssertionError(f"it has ended in the middle of {text!r}")
