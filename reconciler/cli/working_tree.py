"""A folder on disk as a snapshot, for checking what is not committed yet."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from reconciler.errors import Fault, InvalidDesiredState
from reconciler.model.identity import Position, Revision
from reconciler.model.snapshot import Blob, Commit, Snapshot

_READ_AT_ONCE = 4 * 1024 * 1024
_NO_REVISION = Revision("0" * 40)


def snapshot_of_folder(folder: Path) -> Snapshot:
    """Return the files below *folder* as a commit would hold them; `.git` is left out.

    Raises:
        InvalidDesiredState: a file is a link, or no regular file.
    """
    files: dict[str, Blob] = {}
    faults: list[Fault] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            path = Path(parent, name)
            shown = path.relative_to(folder).as_posix()
            state = path.lstat()
            if stat.S_ISREG(state.st_mode):
                files[shown] = _blob(path, shown, state.st_size)
            else:
                message = "symbolic links and special files are not allowed; commit a regular file"
                faults.append(Fault(Position(shown), message))
    if faults:
        raise InvalidDesiredState(tuple(faults))
    commit = Commit(
        revision=_NO_REVISION,
        subject="not committed",
        author="",
        committed_at=datetime.fromtimestamp(0, UTC),
    )
    return Snapshot(commit=commit, origin="", folder="", files=files)


def _blob(path: Path, shown: str, size_bytes: int) -> Blob:
    content = path.read_bytes() if size_bytes <= _READ_AT_ONCE else None
    return Blob(path=shown, object_id="", size_bytes=size_bytes, content=content)
