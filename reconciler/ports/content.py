"""The bytes of a release, from wherever they come."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.desired import Artifact
from reconciler.model.identity import Version
from reconciler.model.snapshot import Snapshot


class Content(Protocol):
    """Bytes that can be read once, a block at a time."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""

    def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes in blocks of *block_bytes*, the last one shorter."""


class LabelledContent(Content, Protocol):
    """Content that may name its own version."""

    async def stated_version(self) -> Version | None:
        """Return the version that a binary names; `None` when it names none."""


@dataclass(frozen=True)
class BytesContent:
    """Bytes that are already in memory, as `Content`."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self.data)

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        """Yield the bytes in blocks of *block_bytes*, the last one shorter."""
        for start in range(0, len(self.data), block_bytes):
            yield self.data[start : start + block_bytes]


class Artifacts(Protocol):
    """Where a release's bytes come from."""

    def open(
        self, artifact: Artifact, snapshot: Snapshot
    ) -> AbstractAsyncContextManager[LabelledContent]:
        """Fetch or build *artifact*, if need be, and open it; its digest is not yet proved.

        Raises:
            ArtifactUnavailable: no answer; worth trying again.
            ArtifactRefused: it cannot be had as the release describes it.
        """
