"""What a binary says of itself: the version must be the one it is published as."""

import os
import re

from reconciler.errors import ArtifactRefused
from reconciler.model.identity import PackageName, Version
from reconciler.source.elf import elf_version
from reconciler.source.pe import pe_version

_MAX_LENGTH = 128
_LIKE_A_VERSION = re.compile(r"v?(\d[0-9A-Za-z.+~_-]*)")
_NUMBERS = re.compile(r"\d+(?:\.\d+){0,3}")
_FOUR_NUMBERS = re.compile(r"\d+(?:\.\d+){3}")


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


def check_label(package: PackageName, version: Version, stated: Version | None) -> None:
    """See that a binary of *package* may be published as *version*.

    Zeros that are only there to fill up do not count, as in the four numbers that Windows
    wants, nor does what follows a `+`; and four numbers have no room for a pre-release.

    Raises:
        ArtifactRefused: it says another version of itself.
    """
    if stated is None or _agree(version, stated):
        return
    raise ArtifactRefused(
        f"{package}: the binary says it is {stated}, the release says {version}: build it again, "
        "or correct the version"
    )


def _agree(version: str, stated: str) -> bool:
    wanted, found = version.partition("+")[0], stated.partition("+")[0]
    if _FOUR_NUMBERS.fullmatch(found):
        wanted = wanted.partition("-")[0]
    return _filled_up(wanted) == _filled_up(found)


def _filled_up(version: str) -> str:
    if not _NUMBERS.fullmatch(version):
        return version
    return version + ".0" * (3 - version.count("."))
