"""Bytes that come as a stream, and can still be asked for the version that they name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from reconciler.model.identity import Version
from reconciler.ports import Content
from reconciler.source.content import FileContent
from reconciler.source.spool import spool

_BLOCK_BYTES = 1024 * 1024


class StreamedContent:
    """Implements `LabelledContent`: streamed as it comes, or spooled if its label is asked for."""

    def __init__(
        self, content: Content, *, subject: str, spool_folder: Path, stack: AsyncExitStack
    ) -> None:
        """What is spooled is let go of with *stack*."""
        self._content = content
        self._subject = subject
        self._spool_folder = spool_folder
        self._stack = stack
        self._spooled: FileContent | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        return self._content.size_bytes

    def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes, once."""
        return (self._spooled or self._content).blocks(block_bytes)

    async def stated_version(self) -> Version | None:
        """Return the version that a binary names; for this it has to be seen whole, on disk.

        Raises:
            ArtifactUnavailable: there is no room to spool it.
        """
        if self._spooled is None:
            place = self._stack.enter_context(spool(self._spool_folder))
            too_many = f"{self._subject}: more than {self.size_bytes:,} bytes"
            stream = self._content.blocks(_BLOCK_BYTES)
            await place.fill(stream, at_most=self.size_bytes, too_many=too_many)
            self._spooled = FileContent(place.descriptor, self._subject)
        return await self._spooled.stated_version()
