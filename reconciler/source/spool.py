"""Private temporary files for artifacts: nobody else can read them, and they are always removed."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import ArtifactRefused, ArtifactUnavailable

_GATHER_BYTES = 1024 * 1024


class Spool:
    """A file that is written from its start to its end, and has no name any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.written_bytes = 0

    async def fill(self, blocks: AsyncIterable[bytes], *, at_most: int, too_many: str) -> None:
        """Write *blocks* to it, in constant memory.

        Raises:
            ArtifactRefused: they are more than *at_most* bytes; the message is *too_many*.
            ArtifactUnavailable: the disk is full.
        """
        gathered = bytearray()
        async for block in blocks:
            gathered += block
            if self.written_bytes + len(gathered) > at_most:
                raise ArtifactRefused(too_many)
            if len(gathered) >= _GATHER_BYTES:
                await asyncio.to_thread(self._write, bytes(gathered))
                gathered.clear()
        await asyncio.to_thread(self._write, bytes(gathered))

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            raise ArtifactUnavailable(
                f"the artifact cannot be spooled: {error.strerror}"
            ) from error
        self.written_bytes += len(content)


@contextmanager
def spool(folder: Path) -> Iterator[Spool]:
    """Make a spool in *folder*; its name is gone before the first byte comes.

    Raises:
        ArtifactUnavailable: the folder cannot be written to.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="artifact-", dir=folder)
    except OSError as error:
        raise ArtifactUnavailable(f"spool folder {folder}: not usable: {error.strerror}") from error
    try:
        Path(name).unlink()
        yield Spool(descriptor)
    finally:
        os.close(descriptor)
