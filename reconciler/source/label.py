"""What a binary says of itself."""

import os
import re

from reconciler.model.identity import Version
from reconciler.source.elf import elf_version
from reconciler.source.pe import pe_version

_MAX_LENGTH = 128
_LIKE_A_VERSION = re.compile(r"v?(\d[0-9A-Za-z.+~_-]*)")


def stated_version(descriptor: int) -> Version | None:
    """Return the version that an open file names: a Windows or an ELF binary may have one.

    Reads a bounded part of the file, never crashes over a malformed one, and blocks.
    """
    head = os.pread(descriptor, 4, 0)
    if head[:2] == b"MZ":
        found = pe_version(descriptor)
    elif head == b"\x7fELF":
        found = elf_version(descriptor)
    else:
        return None
    text = (found or "")[:_MAX_LENGTH].strip()
    match = _LIKE_A_VERSION.fullmatch(text)
    return Version(match[1]) if match else None
