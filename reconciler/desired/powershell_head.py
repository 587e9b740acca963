"""The head of a PowerShell script.

It goes from the first line to the first statement that is none of: a comment, `using`,
`Set-StrictMode`, an attribute like `[CmdletBinding()]`, `param(...)`, or an assignment to a
variable. Knobs may stand before or after `param(...)`, never inside of it.
"""

import re

from reconciler.desired.powershell_text import skip_blank, skip_statement
from reconciler.desired.script_head import Assignment, Head, Lines
from reconciler.desired.script_quotes import POWERSHELL_SINGLE_QUOTES

_SINGLE = f"[{POWERSHELL_SINGLE_QUOTES}]"
_DOUBLE = '["\u201c\u201d\u201e]'
_PLAIN = re.compile(
    rf"({_SINGLE}(?:[^{POWERSHELL_SINGLE_QUOTES}\r\n]|{_SINGLE}{_SINGLE})*{_SINGLE}"
    rf'|{_DOUBLE}[^"\u201c\u201d\u201e$`\r\n]*{_DOUBLE}'
    r"|\$null)[ \t]*;?[ \t]*(?:#[^\r\n]*)?(?=\r?\n|\Z)",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(
    r"(?:\[[\w.]+(?:\[\])?\][ \t]*)?\$(?:\{(?:\w+:)?(\w+)\}|(?:(?:script|local):)?(\w+))"
    r"[ \t]*=[ \t]*",
    re.ASCII | re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$(\w+)", re.ASCII)
_HEADER = re.compile(r"\[|(?:param\s*\(|using\s|Set-StrictMode\b)", re.IGNORECASE)


def read_powershell_head(text: str) -> Head:
    """Return the assignments of *text*'s head."""
    found: list[Assignment] = []
    parameters: set[str] = set()
    lines = Lines(text)
    at = skip_blank(text, 1 if text.startswith("\ufeff") else 0)
    while at < len(text):
        end = skip_statement(text, at)
        match = _ASSIGNMENT.match(text, at)
        if end is None or not (match or _HEADER.match(text, at)):
            break
        if match:
            found.append(_assignment(text, match, end, lines.at(at)))
        elif text[at : at + 5].lower() == "param":
            parameters.update(_VARIABLE.findall(text, at, end))
        at = skip_blank(text, end)
    return Head(tuple(found), lines.at(at), frozenset(parameters))


def _assignment(text: str, match: re.Match[str], end: int, line: int) -> Assignment:
    plain = _PLAIN.match(text, match.end())
    stands_alone = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip("\ufeff \t")
    return Assignment(
        name=match[1] or match[2],
        line=line,
        start=match.end(),
        end=plain.end(1) if plain else end,
        is_plain=plain is not None and not stands_alone,
    )
