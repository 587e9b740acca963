"""Bytes that are read once, a block at a time, from a file that is already open."""

import asyncio
import os
from collections.abc import AsyncIterator

from reconciler.errors import ArtifactRefused
from reconciler.model.identity import Version
from reconciler.source.label import stated_version

_READ_AHEAD_BYTES = 1024 * 1024
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class FileContent:
    """Implements `ports.LabelledContent` over a descriptor; its opener closes it."""

    def __init__(self, descriptor: int, subject: str) -> None:
        self._descriptor = descriptor
        self._subject = subject
        self._before = os.fstat(descriptor)

    @property
    def size_bytes(self) -> int:
        """How many bytes the file had when it was opened."""
        return self._before.st_size

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes; what was yielded is to be hashed, since the file may be written to.

        Raises:
            ArtifactRefused: the file was changed, or did not hold as much as at first.
        """
        ahead = max(1, _READ_AHEAD_BYTES // block_bytes) * block_bytes
        for offset in range(0, self.size_bytes, ahead):
            count = min(ahead, self.size_bytes - offset)
            read = await asyncio.to_thread(os.pread, self._descriptor, count, offset)
            if len(read) < count:
                raise self._changed()
            for start in range(0, count, block_bytes):
                yield read[start : start + block_bytes]
        after = os.fstat(self._descriptor)
        if (after.st_size, after.st_mtime_ns) != (self.size_bytes, self._before.st_mtime_ns):
            raise self._changed()

    async def stated_version(self) -> Version | None:
        """Return the version that a binary names, reading no more of it than that takes."""
        return await asyncio.to_thread(stated_version, self._descriptor)

    def _changed(self) -> ArtifactRefused:
        return ArtifactRefused(
            f"{self._subject}: changed while it was read: publish a file that nobody writes to"
        )


def refuse_pointer(head: bytes, subject: str) -> None:
    """See that *head*, the first bytes of a file, does not merely stand for another file.

    Raises:
        ArtifactRefused: it is a git-lfs pointer.
    """
    if head.startswith(_LFS_POINTER):
        raise ArtifactRefused(
            f"{subject}: is a git-lfs pointer, not the file: commit the file itself, or name it by "
            "`url` or `file`"
        )


def check_size(found: int, *, stated: int | None, at_most: int, subject: str) -> None:
    """See that a file may be as large as it is.

    Raises:
        ArtifactRefused: it is empty, too large, or not as large as the release says.
    """
    if found == 0:
        raise ArtifactRefused(f"{subject}: the file is empty")
    if found > at_most:
        raise ArtifactRefused(f"{subject}: is {found:,} bytes; the limit is {at_most:,}")
    if stated is not None and found != stated:
        raise ArtifactRefused(f"{subject}: is {found:,} bytes; the release says {stated:,}")
