"""What is new at the end of a log of which one sees only the last lines, again and again; pure."""

from collections.abc import Sequence


def news(before: Sequence[str], now: Sequence[str]) -> tuple[list[str], bool]:
    """Return the lines of *now* that *before* had not, and whether none can be missing.

    The two are taken to overlap as far as they can: of lines that are alike, as few as possible
    are new.
    """
    for shared in range(min(len(before), len(now)), 0, -1):
        if list(before[-shared:]) == list(now[:shared]):
            return list(now[shared:]), True
    return list(now), not before
