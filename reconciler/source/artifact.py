"""Where a release's bytes come from: git, a file, an address, or a build."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import assert_never

from reconciler.errors import ArtifactRefused
from reconciler.model.desired import (
    Artifact,
    BlobArtifact,
    BuildArtifact,
    FileArtifact,
    PublishedArtifact,
    UrlArtifact,
)
from reconciler.model.snapshot import Blob, Snapshot
from reconciler.ports import LabelledContent
from reconciler.source.build import Builder, OpenBlob
from reconciler.source.contained import opened_below
from reconciler.source.content import FileContent, check_size, refuse_pointer
from reconciler.source.download import Downloader
from reconciler.source.spool import spool
from reconciler.source.streamed import StreamedContent

_MAX_BLOB_BYTES = 256 * 1024 * 1024
_HEAD_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStore:
    """Implements `ports.Artifacts`; what it opens proves neither its digest nor its label."""

    open_blob: OpenBlob
    spool_folder: Path
    downloader: Downloader
    roots: tuple[Path, ...] = ()
    """Folders outside git that releases may name files of."""
    builder: Builder | None = None
    """Without one, no build is allowed."""
    max_artifact_bytes: int = 2 * 1024**3

    @asynccontextmanager
    async def open(self, artifact: Artifact, snapshot: Snapshot) -> AsyncIterator[LabelledContent]:
        """Fetch or build *artifact*, if need be, and open it.

        Raises:
            ArtifactUnavailable: no answer; worth trying again.
            ArtifactRefused: it cannot be had as the release says.
        """
        async with AsyncExitStack() as stack:
            match artifact.origin:
                case BlobArtifact(path=path):
                    yield await self._blob(path, artifact, snapshot, stack)
                case FileArtifact(path=path):
                    subject = f"artifact file {path}"
                    descriptor = stack.enter_context(opened_below(path, self.roots, subject))
                    yield self._content(descriptor, artifact, subject)
                case UrlArtifact(url=url):
                    yield await self._download(url, artifact, stack)
                case BuildArtifact() as build:
                    subject = f"build output {build.output}"
                    built = self._builder(build).built(build, snapshot)
                    descriptor = await stack.enter_async_context(built)
                    yield self._content(descriptor, artifact, subject)
                case PublishedArtifact():
                    raise ArtifactRefused("artifact: somebody else publishes it; nothing to open")
                case unknown:
                    assert_never(unknown)

    async def _blob(
        self, path: str, artifact: Artifact, snapshot: Snapshot, stack: AsyncExitStack
    ) -> LabelledContent:
        blob = _found(path, snapshot)
        refuse_pointer(blob.content or b"", path)
        at_most = min(_MAX_BLOB_BYTES, self.max_artifact_bytes)
        check_size(blob.size_bytes, stated=artifact.size_bytes, at_most=at_most, subject=path)
        content = await stack.enter_async_context(self.open_blob(blob.object_id, blob.size_bytes))
        return StreamedContent(content, subject=path, spool_folder=self.spool_folder, stack=stack)

    async def _download(
        self, url: str, artifact: Artifact, stack: AsyncExitStack
    ) -> LabelledContent:
        place = stack.enter_context(spool(self.spool_folder))
        stated, at_most = artifact.size_bytes, self.max_artifact_bytes
        subject = await self.downloader.fetch(url, place, stated=stated, at_most=at_most)
        return self._content(place.descriptor, artifact, subject)

    def _content(self, descriptor: int, artifact: Artifact, subject: str) -> LabelledContent:
        content = FileContent(descriptor, subject)
        check_size(
            content.size_bytes,
            stated=artifact.size_bytes,
            at_most=self.max_artifact_bytes,
            subject=subject,
        )
        refuse_pointer(os.pread(descriptor, _HEAD_BYTES, 0), subject)
        return content

    def _builder(self, build: BuildArtifact) -> Builder:
        if self.builder is None:
            raise ArtifactRefused(
                f"build {build.command[0]!r}: builds are not allowed here: publish the file by "
                "`path`, `file` or `url`, or allow builds in the settings"
            )
        return self.builder


def _found(path: str, snapshot: Snapshot) -> Blob:
    blob = snapshot.files.get(path)
    if blob is None:
        near = get_close_matches(path, snapshot.files, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        commit = snapshot.commit.revision[:12]
        raise ArtifactRefused(f"{path}: is not in commit {commit}{hint}")
    return blob
