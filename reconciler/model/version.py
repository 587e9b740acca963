"""Which of two versions is the later one, where that can be known."""

import re
from itertools import zip_longest

from reconciler.model.identity import Version

_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", re.ASCII)


def is_older(version: Version, than: Version) -> bool:
    """True when *version* comes before *than*, by the rules of semver 2.0 section 11.

    Any number of dotted numbers will do. Versions of another shape have no order: False.
    """
    left, right = _NUMBERS.fullmatch(version), _NUMBERS.fullmatch(than)
    if left is None or right is None:
        return False
    numbers = _compare_numbers(left[1], right[1])
    return numbers < 0 or (numbers == 0 and _is_older_prerelease(left[2], right[2]))


def _compare_numbers(left: str, right: str) -> int:
    pairs = zip_longest(map(int, left.split(".")), map(int, right.split(".")), fillvalue=0)
    return next((a - b for a, b in pairs if a != b), 0)


def _is_older_prerelease(left: str | None, right: str | None) -> bool:
    if left is None or right is None:
        return left is not None and right is None
    return _prerelease_key(left) < _prerelease_key(right)


def _prerelease_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers sort before words, and a shorter list before a longer one."""
    parts = text.split(".")
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
