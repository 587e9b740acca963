"""The state folder of a source: ours alone, one process at a time, its notes written whole."""

import asyncio
import fcntl
import os
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from reconciler.errors import SourceUnavailable, UsageError
from reconciler.model.identity import Revision

_REVISION = re.compile(r"[0-9a-f]{40}\n")
_LOCK_STEP_SECONDS = 0.02


class StateFolder:
    """Where the clone is, who uses it now, and which revision was last applied."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def clone(self) -> Path:
        """The bare clone; when it exists, it was whole when it was put there."""
        return self.path / "repository.git"

    @asynccontextmanager
    async def locked(self, deadline: timedelta) -> AsyncIterator[None]:
        """Keep other processes out, and make the folder if it is not there.

        Raises:
            UsageError: the folder cannot be used.
            SourceUnavailable: another process had it until the deadline.
        """
        self._prepare()
        lock = self.path / "lock"
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UsageError(f"state folder {self.path}: not usable: {error.strerror}") from error
        try:
            await self._taken(descriptor, deadline)
            yield
        finally:
            os.close(descriptor)

    def applied(self) -> Revision | None:
        """Return the revision that was last accepted; `None` when there was none.

        Raises:
            UsageError: the note cannot be read, so nothing is known of the history.
        """
        try:
            text = self._note.read_text("ascii")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as error:
            raise UsageError(f"{self._note}: cannot be read: {error}") from error
        if not _REVISION.fullmatch(text):
            raise UsageError(
                f"{self._note}: no revision in it: put the applied commit there, or remove the "
                "file to take the branch as it is"
            )
        return Revision(text.strip())

    def set_applied(self, revision: Revision) -> None:
        """Keep *revision*: later ones have to descend from it.

        Raises:
            UsageError: it cannot be written.
        """
        fresh = self._note.with_suffix(".new")
        try:
            with fresh.open("w", encoding="ascii") as file:
                file.write(f"{revision}\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._note)
        except OSError as error:
            raise UsageError(f"{self._note}: cannot be written: {error.strerror}") from error

    @property
    def _note(self) -> Path:
        return self.path / "applied"

    def _prepare(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.path.lstat()
        except OSError as error:
            raise UsageError(f"state folder {self.path}: not usable: {error.strerror}") from error
        if stat.S_ISLNK(found.st_mode):
            raise UsageError(
                f"state folder {self.path}: is a symbolic link; name the folder itself"
            )
        if found.st_uid != os.geteuid():
            raise UsageError(f"state folder {self.path}: belongs to another user ({found.st_uid})")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UsageError(f"state folder {self.path}: others may write to it: chmod 700 it")

    async def _taken(self, descriptor: int, deadline: timedelta) -> None:
        try:
            async with asyncio.timeout(deadline.total_seconds()):
                while not _lock(descriptor):  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(_LOCK_STEP_SECONDS)
        except TimeoutError as error:
            raise SourceUnavailable(
                f"state folder {self.path}: another process is using it: end that one, "
                "or give this one a folder of its own"
            ) from error


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
