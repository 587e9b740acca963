"""Files that were not there before: never over somebody's work unless that is asked for."""

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import UsageError


def refuse_used(folder: Path) -> None:
    """Check that *folder* may be filled; that of an empty repository may be.

    Raises:
        UsageError: there is something in it, or it cannot be read.
    """
    try:
        found = sorted(path.name for path in folder.iterdir() if path.name != ".git")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from error
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise UsageError(f"{folder}: there is {found[0]}{more} in it; name an empty folder")


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write *files*, each whole or not at all; a link in the place of one is replaced.

    Raises:
        UsageError: the folder cannot be written to.
    """
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            part.unlink(missing_ok=True)
            part.write_bytes(text.encode(errors="replace"))
            os.replace(part, path)  # noqa: PTH105 - Path.replace says no more
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error
