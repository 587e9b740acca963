"""A binary that names its version must be published as that version."""

import re

from reconciler.errors import ArtifactRefused
from reconciler.model.identity import PackageName, Version

_NUMBERS = re.compile(r"\d+(?:\.\d+){0,3}")
_FOUR_NUMBERS = re.compile(r"\d+(?:\.\d+){3}")


def check_label(package: PackageName, version: Version, stated: Version | None) -> None:
    """See that a binary of *package* may be published as *version*.

    Zeros that are only there to fill up do not count, as in the four numbers that Windows
    wants, nor does what follows a `+`; and four numbers have no room for a pre-release.

    Raises:
        ArtifactRefused: it names another version of itself.
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
