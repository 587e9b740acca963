"""The version that a binary names itself."""

import os
import re

from reconciler.model.identity import Version
from reconciler.source.elf import elf_version
from reconciler.source.pe import pe_versions

_MAX_LENGTH = 128
_LIKE_A_VERSION = re.compile(r"v?(\d[0-9A-Za-z.+~_-]*)")
_WITH_A_REMARK = re.compile(r"v?(\d+\.[0-9A-Za-z.+~_-]*)\s.*", re.DOTALL)
_BY_COMMAS = re.compile(r"\d+(?:, ?\d+){1,3}(?!\S)")
"""Windows resources are often written so, as in "0, 42, 0, 0"."""


def stated_version(descriptor: int) -> Version | None:
    """Return the version that an open file names: a Windows or an ELF binary may have one.

    Of several it is the first that looks like one. Reads a bounded part of the file, never
    crashes over a malformed one, and blocks.
    """
    head = os.pread(descriptor, 4, 0)
    if head[:2] == b"MZ":
        found = pe_versions(descriptor)
    elif head == b"\x7fELF":
        found = (elf_version(descriptor) or "",)
    else:
        return None
    return next(filter(None, map(_version_in, found)), None)


def _version_in(text: str) -> Version | None:
    text = text[:_MAX_LENGTH].strip()
    text = _BY_COMMAS.sub(lambda numbers: re.sub(", ?", ".", numbers[0]), text, count=1)
    match = _LIKE_A_VERSION.fullmatch(text) or _WITH_A_REMARK.fullmatch(text)
    return Version(match[1]) if match else None
