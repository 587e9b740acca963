"""The folder for state, made or refused before anything is done."""

import os
import stat
import sys
import tempfile
from pathlib import Path

from reconciler.errors import UsageError

LEAST_FREE_BYTES = 16 * 1024 * 1024


def prepare_state_dir(path: Path) -> Path:
    """Return *path* as a folder of our own that can be written.

    Raises:
        UsageError: it is a link or another's, cannot be made or written, or has no room left.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.lstat()
        if not stat.S_ISDIR(state.st_mode):
            raise _refused(path, "it is a link, not a folder")
        if sys.platform != "win32" and state.st_uid != os.geteuid():
            raise _refused(path, f"it belongs to user {state.st_uid}, not to {os.geteuid()}")
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        if sys.platform != "win32":
            free = os.statvfs(path)
            if free.f_bavail * free.f_frsize < LEAST_FREE_BYTES:
                raise _refused(path, f"less than {LEAST_FREE_BYTES:,} bytes are free on its disk")
    except FileExistsError as error:
        raise _refused(path, "it is no folder") from error
    except OSError as error:
        raise _refused(path, error.strerror or type(error).__name__) from error
    return path


def _refused(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path}: cannot be used for state: {reason}; set controller.state_dir")
