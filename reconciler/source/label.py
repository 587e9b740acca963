"""What a binary says of itself: the version must be the one it is published as."""

import os
import re

from reconciler.errors import ArtifactRefused
from reconciler.model.identity import PackageName, Version
from reconciler.source.elf import elf_version
from reconciler.source.pe import pe_version

_MAX_LENGTH = 128
_LIKE_A_VERSION = re.compile(r"v?(\d[0-9A-Za-z.+~_-]*)")
_FOUR_PARTS = re.compile(r"(\d+\.\d+\.\d+)\.0")


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

    A fourth part that is 0, which Windows wants and nobody else has, does not count, and
    neither does what follows a `+`.

    Raises:
        ArtifactRefused: it says another version of itself.
    """
    if stated is not None and _plain(stated) != _plain(version):
        raise ArtifactRefused(
            f"{package}: the binary says it is {stated}, the release says {version}: build it "
            "again, or correct the version"
        )


def _plain(version: str) -> str:
    core = version.partition("+")[0]
    four = _FOUR_PARTS.fullmatch(core)
    return four[1] if four else core
