"""The head of a deploy script: where its knobs are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """An assignment in a script's head; `start` and `end` enclose its value.

    `is_plain` says that the value is one literal and stands alone on its line: only such a
    value can be set without knowing what the script means by it.
    """

    name: str
    line: int
    start: int
    end: int
    is_plain: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The assignments of a head in their order, and the line that ends it."""

    assignments: tuple[Assignment, ...]
    ends_at_line: int
    parameters: frozenset[str] = frozenset()
    """Variables that the script's caller may set: not ours to."""


class Lines:
    """Turns offsets into line numbers; they must come in rising order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._line = 1

    def at(self, offset: int) -> int:
        """Return the number of the line that *offset* is on, from 1."""
        self._line += self._text.count("\n", self._offset, offset)
        self._offset = offset
        return self._line
