"""An edited release, and the artifact committed beside it: seen to be valid, then written."""

import asyncio
import filecmp
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli.working_tree import blob_of, snapshot_of_folder
from reconciler.desired.decode_release import decode_release
from reconciler.desired.load import load
from reconciler.desired.schemas import Kind
from reconciler.desired.validate import check
from reconciler.desired.yaml_source import read_yaml
from reconciler.errors import UsageError
from reconciler.model.desired import BlobArtifact
from reconciler.model.snapshot import Blob
from reconciler.source.local import read_revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a desired-state folder is to hold; nothing of it is written yet."""

    folder: Path
    file: Path
    """The release's, in *folder*."""
    text: str
    binary: Path
    place: Path | None
    """Where *binary* belongs, for a release whose artifact is a file of the repository."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All that may change."""
        return (self.file,) if self.place is None else (self.file, self.place)

    @property
    def is_there(self) -> bool:
        """True when the files say so already."""
        same = self.file.read_bytes() == self.text.encode()
        return same and (self.place is None or _alike(self.binary, self.place))

    def require_valid(self, *, committed: bool) -> None:
        """See that the folder has no fault with this in it: its last commit, or as it lies there.

        Raises:
            InvalidDesiredState: with all faults; nothing is written.
            UsageError: *folder* is in no clone.
        """
        if committed:
            base = asyncio.run(read_revision(self.folder, "HEAD"))
        else:
            base = snapshot_of_folder(self.folder)
        load(replace(base, files={**base.files, **self._blobs()}))

    def write(self) -> None:
        """Write the files, the artifact first.

        Raises:
            UsageError: one cannot be written.
        """
        try:
            if self.place is not None and not _alike(self.binary, self.place):
                self.place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.binary, self.place)
            self.file.write_bytes(self.text.encode())
        except OSError as error:
            raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from error

    def _blobs(self) -> Mapping[str, Blob]:
        content = self.text.encode()
        path = self._shown(self.file)
        size = len(content)
        blobs = {path: Blob(path=path, object_id="", size_bytes=size, content=content)}
        if self.place is not None:
            path = self._shown(self.place)
            blobs[path] = blob_of(self.binary, path)
        return blobs

    def _shown(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()


def edition_of(folder: Path, file: Path, text: str, binary: Path) -> Edition:
    """Return *text* for *file*, with *binary* where the text asks for a file of the repository.

    Raises:
        UsageError: that place is outside of *folder*, by a link.
    """
    document = read_yaml(text.encode(), str(file)).document
    place = None
    if document is not None:
        draft = decode_release(document, check(document, Kind.RELEASE).broken)
        origin = draft.artifact.origin
        if isinstance(origin, BlobArtifact) and draft.knows("artifact", "path"):
            place = folder / origin.path
            if not place.resolve().is_relative_to(folder.resolve()):
                raise UsageError(f"{place}: a link leads out of {folder}")
    return Edition(folder=folder, file=file, text=text, binary=binary, place=place)


def _alike(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)
