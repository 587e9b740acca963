"""Where the files are that come with the program: in a checkout, or in an installed wheel."""

from pathlib import Path

from reconciler.errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "_data", _PACKAGE.parent)


def data_folder(name: str) -> Path:
    """Return the folder *name*: `desired-state` or `schemas`.

    Raises:
        UsageError: the installation is not whole.
    """
    for place in _PLACES:
        if (place / name).is_dir():
            return place / name
    raise UsageError(f"the folder {name} is missing beside {_PACKAGE}; install the program again")
