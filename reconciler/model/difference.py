"""What differs between two states of a release, fit to be shown to its approver."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference; a secret is named, and its value is never in it."""

    what: str
    before: str
    after: str
    lines: tuple[str, ...] = ()
    """Of a text: the first lines that went (`-`) and came (`+`)."""
