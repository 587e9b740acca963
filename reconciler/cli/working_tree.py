"""A folder on disk as a snapshot, for checking what is not committed yet."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconciler.desired.validate import sorted_faults
from reconciler.errors import Fault, InvalidDesiredState
from reconciler.model.identity import Position, Revision
from reconciler.model.snapshot import Blob, Commit, Snapshot
from reconciler.source.entries import Entry, faults
from reconciler.source.names import shown

_READ_AT_ONCE = 4 * 1024 * 1024
_NO_REVISION = Revision("0" * 40)


def snapshot_of_folder(folder: Path) -> Snapshot:
    """Return the files below *folder* as a commit would hold them; `.git` is left out.

    Raises:
        InvalidDesiredState: it holds what no commit may hold, or what cannot be read.
    """
    entries: list[Entry] = []
    files: dict[str, Blob] = {}
    found: list[Fault] = []
    for path in _below(folder, found):
        name = path.relative_to(folder).as_posix()
        try:
            entry = Entry(path=name, mode=path.lstat().st_mode, object_id="")
            if entry.is_file:
                files[name] = blob_of(path, name)
        except OSError as error:
            found.append(_unread(name, error))
        else:
            entries.append(entry)
    found += faults(entries)
    if found:
        raise InvalidDesiredState(sorted_faults(found))
    return _uncommitted(files)


def _below(folder: Path, faults: list[Fault]) -> Iterator[Path]:
    """Yield everything below *folder*; what cannot be listed is added to *faults*."""

    def unlisted(error: OSError) -> None:
        faults.append(_unread(Path(error.filename).relative_to(folder).as_posix(), error))

    for parent, folders, names in os.walk(folder, onerror=unlisted):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (Path(parent, name) for name in sorted([*folders, *names]))


def _unread(name: str, error: OSError) -> Fault:
    return Fault(Position(shown(name)), f"cannot be read: {error.strerror}")


def snapshot_of_texts(texts: Mapping[str, str]) -> Snapshot:
    """Return files that are nowhere yet, by their path, as a commit would hold them."""
    contents = {path: text.encode() for path, text in texts.items()}
    return _uncommitted(
        {
            path: Blob(path=path, object_id="", size_bytes=len(content), content=content)
            for path, content in contents.items()
        }
    )


def _uncommitted(files: Mapping[str, Blob]) -> Snapshot:
    commit = Commit(
        revision=_NO_REVISION,
        subject="not committed",
        author="",
        committed_at=datetime.fromtimestamp(0, UTC),
    )
    return Snapshot(commit=commit, origin="", folder="", files=files)


def blob_of(path: Path, name: str) -> Blob:
    """Return the file *path* as a commit would hold it as *name*; a large one without content."""
    size_bytes = path.stat().st_size
    content = path.read_bytes() if size_bytes <= _READ_AT_ONCE else None
    return Blob(path=name, object_id="", size_bytes=size_bytes, content=content)
