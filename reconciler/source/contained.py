"""Opening a file that must lie below a folder, even where links are on the way."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import ArtifactRefused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def opened_below(
    path: str, roots: tuple[Path, ...], subject: str, *, where: str | None = None
) -> Iterator[int]:
    """Open the regular file *path*, which is absolute, or relative to one of *roots*.

    Links are followed as long as they stay below a root. The file is then opened without
    following any, so that one that is put there meanwhile leads nowhere. *where* names in an
    error what the roots are.

    Raises:
        ArtifactRefused: it is not there, not a regular file, or not below any root.
    """
    try:
        if where is None:
            where = f"an artifact root ({', '.join(str(root) for root in roots)})"
        root, inside = _resolved(path, roots, subject, where)
        descriptor = _descend(root, inside)
    except OSError as error:
        raise ArtifactRefused(f"{subject}: cannot be opened: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ArtifactRefused(f"{subject}: is not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def _resolved(path: str, roots: tuple[Path, ...], subject: str, where: str) -> tuple[Path, Path]:
    if "\0" in path:
        raise ArtifactRefused(f"{subject}: a path has no NUL character")
    if not roots:
        raise ArtifactRefused(f"{subject}: no artifact root is set: name one in the settings")
    outside = None
    for root in roots:
        real_root = _real(root)
        real = _real(real_root / path)
        if not real.is_relative_to(real_root):
            outside = real
        elif real.exists():
            return real_root, real.relative_to(real_root)
    if outside is not None:
        raise ArtifactRefused(f"{subject}: {outside} is not below {where}")
    raise ArtifactRefused(f"{subject}: there is no such file below {where}")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike `resolve`, it raises nothing over a loop


def _descend(root: Path, inside: Path) -> int:
    at = os.open(root, _FOLDER)
    for part in inside.parts[:-1]:
        at = _step(at, part, _FOLDER)
    return _step(at, inside.parts[-1] if inside.parts else ".", _FILE)


def _step(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)
