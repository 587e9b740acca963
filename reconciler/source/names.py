"""Which names a file of the desired state may have: any machine must be able to hold it."""

import json
import re
import unicodedata
from collections.abc import Callable

_MAX_BYTES = 255
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_NOT_PRINTED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_RESERVED = {"\\": "backslash", ":": "colon"}
_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda name: name in {"", ".", ".."}, "'.', '..' and an empty name are not allowed"),
    (lambda name: name.lower() == ".git", "the name is git's own"),
    (lambda name: name.startswith("-"), "a name may not begin with '-'"),
    (lambda name: name[-1] in ". ", "a name may not end with a dot or a space"),
    (_DEVICE.fullmatch, "the name is a device on Windows"),
    (lambda name: not unicodedata.is_normalized("NFC", name), "the name is not in composed form"),
    (lambda name: len(name.encode()) > _MAX_BYTES, f"the name is longer than {_MAX_BYTES} bytes"),
)


def objection(name: str) -> str | None:
    """Return what is wrong with *name*, one part of a path; `None` when nothing is."""
    for index, character in enumerate(name, 1):
        if found := _objection_to(character):
            return f"{found} at {index} of its name is not allowed"
    return next((complaint for rule, complaint in _RULES if rule(name)), None)


def shown(path: str) -> str:
    """Return *path* as it may be printed: quoted and escaped when it is not plain."""
    if path and all(unicodedata.category(character) not in _NOT_PRINTED for character in path):
        return path
    return json.dumps(path)


def _objection_to(character: str) -> str | None:
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        return f"byte 0x{number - 0xDC00:02X}, which is not UTF-8,"
    category = unicodedata.category(character)
    if category == "Cc":
        return f"control character U+{number:04X}"
    if category in _NOT_PRINTED:
        return f"character U+{number:04X}"
    return _RESERVED.get(character)
