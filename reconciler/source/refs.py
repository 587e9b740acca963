"""Where a repository on this machine keeps its refs, and whether they have changed."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_NAMES_AT_THE_TOP = frozenset({"HEAD", "packed-refs"})
_POINTER_BYTES = 4096

Mark = tuple[str, int, int, int]
"""A path with its inode, its time in nanoseconds and its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefStore:
    """The folders in which git keeps refs; `own` is a work tree's, `shared` is all the others'."""

    own: Path
    shared: Path

    def folders(self) -> frozenset[tuple[str, int]]:
        """Return every folder in which a ref may move, each with its inode."""
        roots = [self.shared / "refs", self.shared / "reftable", self.own / "reftable"]
        below = [at for root in roots for at, _, _ in os.walk(root)]
        found = (_mark(at) for at in {str(self.own), str(self.shared), *below})
        return frozenset(mark[:2] for mark in found if mark)

    def marks(self) -> frozenset[Mark]:
        """Return what is different whenever a ref is: git replaces files, it does not edit them."""
        found = {_mark(path) for folder, _ in self.folders() for path in self._files(folder)}
        return frozenset(mark for mark in found if mark)

    def _files(self, folder: str) -> list[str]:
        if folder in {str(self.own), str(self.shared)}:
            return [f"{folder}/{name}" for name in _NAMES_AT_THE_TOP]
        try:
            return [str(path) for path in Path(folder).iterdir() if path.suffix != ".lock"]
        except FileNotFoundError:
            return []


def ref_store(repository: Path) -> RefStore | None:
    """Find the refs of *repository*, a work tree or a bare one; `None` when it is neither."""
    dot_git = repository / ".git"
    own = repository
    if dot_git.is_dir():
        own = dot_git
    elif dot_git.is_file():
        own = repository / _pointer(dot_git).removeprefix("gitdir:").strip()
    common = own / "commondir"
    shared = own / _pointer(common).strip() if common.is_file() else own
    if not (shared / "HEAD").is_file():
        return None
    return RefStore(own=own.resolve(), shared=shared.resolve())


def _pointer(file: Path) -> str:
    with file.open("rb") as stream:
        return os.fsdecode(stream.read(_POINTER_BYTES))


def _mark(path: str) -> Mark | None:
    try:
        found = Path(path).lstat()
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):  # what is in it has marks of its own
        return path, found.st_ino, 0, 0
    return path, found.st_ino, found.st_mtime_ns, found.st_size
