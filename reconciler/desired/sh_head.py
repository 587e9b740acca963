"""The head of a POSIX shell script.

It goes from the first line to the first that is anything but blank, a comment, `set`, `umask`,
or one or more assignments (`NAME=...`, with or without `export` or `readonly`) that end on
their line. A quote, a substitution or a here-document that is left open ends it: nothing
inside of a text can be taken for a knob.
"""

import re

from reconciler.desired.script_head import Assignment, Head, Lines

_EOL = r"(?=\r?\n|\Z)"
_COMMENT = r"(?:[ \t]+(?:#[^\r\n]*)?)?" + _EOL
_EXPANSION = r"\$\w+|\$\{[^{}'\"`\\\r\n]*\}|\$\([^()'\"`\\\r\n]*\)"
_WORD = (
    r"(?:[^\s'\"`\\;<>&|()$#]|#(?<!\s#)|'[^'\r\n]*'|"
    rf'"(?:[^"`\\$\r\n]|\\.|{_EXPANSION})*"|{_EXPANSION})*'
)
_ONE = rf"[A-Za-z_]\w*={_WORD}"
_NOTHING = re.compile(r"[ \t]*(?:#[^\r\n]*)?" + _EOL)
_SETTING = re.compile(r"[ \t]*(?:set|umask)[ \t]+[-+\w \t]+" + _EOL, re.ASCII)
_ASSIGNMENTS = re.compile(
    rf"[ \t]*(?:(?:export|readonly)[ \t]+)?{_ONE}(?:[ \t]+{_ONE})*;?{_COMMENT}", re.ASCII
)
_FIRST = re.compile(r"[ \t]*(?:(?:export|readonly)[ \t]+)?([A-Za-z_]\w*)=", re.ASCII)
_PLAIN = re.compile(r"('[^'\r\n]*'|\"[^\"$`\\\r\n]*\"|[\w./:@%+,-]*);?" + _COMMENT, re.ASCII)


def read_sh_head(text: str) -> Head:
    """Return the assignments of *text*'s head."""
    found: list[Assignment] = []
    lines = Lines(text)
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        first = _FIRST.match(text, at, end)
        if first is not None and _ASSIGNMENTS.match(text, at):
            found.append(_assignment(text, first, end, lines.at(at)))
        elif not (_NOTHING.match(text, at) or _SETTING.match(text, at)):
            break
        at = end + 1
    return Head(tuple(found), lines.at(at))


def _assignment(text: str, match: re.Match[str], end: int, line: int) -> Assignment:
    plain = _PLAIN.match(text, match.end())
    return Assignment(
        name=match[1],
        line=line,
        start=match.end(),
        end=plain.end(1) if plain else end,
        is_plain=plain is not None,
    )
