"""Values as literals of the two shells; a value that has no literal is refused."""

import re

from reconciler.desired.paths import has_control_character

POWERSHELL_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell takes each of these for a single quote, and doubled for the character itself."""

_POWERSHELL_QUOTE = re.compile(f"[{POWERSHELL_SINGLE_QUOTES}]")


class Unquotable(ValueError):
    """A value cannot be written as a literal; the text does not contain the value."""


def quote_sh(value: str) -> str:
    """Return *value* as one word of a POSIX shell."""
    _refuse_control_characters(value)
    return "'" + value.replace("'", "'\\''") + "'"


def quote_powershell(value: str) -> str:
    """Return *value* as a single-quoted PowerShell string."""
    _refuse_control_characters(value)
    return "'" + _POWERSHELL_QUOTE.sub(r"\g<0>\g<0>", value) + "'"


def _refuse_control_characters(value: str) -> None:
    for at, character in enumerate(value, start=1):
        if has_control_character(character):
            raise Unquotable(
                f"is to get a value with the control character U+{ord(character):04X} at {at}, "
                "which cannot be quoted for a shell"
            )
