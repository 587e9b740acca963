"""Paths as a commit may name them: relative, with slashes, inside of where they belong."""

import posixpath
import unicodedata

from reconciler.desired.wording import quoted

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def path_fault(path: str) -> str | None:
    """Say what is wrong with *path*, or `None` when it may be used."""
    parts = path.split("/")
    faults = {
        f"path {quoted(path)} has a control character": has_control_character(path),
        "backslash is not allowed in a path; write /": "\\" in path,
        "absolute paths are not allowed; write it relative to the folder": _is_absolute(path),
        "'..' is not allowed in a path": ".." in parts,
        f"path {quoted(path)} is the folder itself": path == ".",
        f"path {quoted(path)} is not in its simplest form; write {posixpath.normpath(path)}": (
            "" in parts or "." in parts
        ),
        f"path {quoted(path)} is not in Unicode's composed form (NFC)": (
            unicodedata.normalize("NFC", path) != path
        ),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def has_control_character(text: str) -> bool:
    """True for text that would not stay on its line, or cannot be encoded."""
    return any(unicodedata.category(c) in _UNPRINTABLE for c in text)


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "~")) or path[1:2] == ":"
