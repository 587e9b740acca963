"""Names of files, for things whose names were never meant to be that; pure."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=str)

_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 120
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever follows."""


def file_names(names: Iterable[Name]) -> Mapping[Name, str]:
    """Return a name for each that any system takes, and that no two share where case is nothing."""
    found: dict[Name, str] = {}
    taken: set[str] = set()
    for name in sorted(names):
        plain = stem = _plain(name)
        number = 2
        while plain.lower() in taken:
            plain, number = f"{stem}-{number}", number + 1
        taken.add(plain.lower())
        found[name] = plain
    return found


def _plain(name: str) -> str:
    text = _STRANGE.sub("_", name)[:_LONGEST].rstrip(".")
    odd = not text or text[0] in ".-" or _DEVICES.match(text)
    return f"_{text}" if odd else text
