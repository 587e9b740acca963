"""Enough of PowerShell's tokens to know where a statement ends.

Strings, here-strings, comments and brackets, so that nothing inside of them is taken for a
statement. What is left open to the end of the file has no end.
"""

import re

from reconciler.desired.script_quotes import POWERSHELL_SINGLE_QUOTES

_DOUBLE_QUOTES = '"\u201c\u201d\u201e'
_BLANK = re.compile(r"(?:[\s;]|#[^\n]*|<#.*?#>)+", re.DOTALL)
_HERE_STRING = re.compile(rf"@([{POWERSHELL_SINGLE_QUOTES}{_DOUBLE_QUOTES}])[ \t]*\r?\n")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_DEEPEST = 20
"""Of strings within `$()` within strings; what is deeper counts as never closed."""
_STARTS_TOKEN = frozenset(" \t\r\n(){};,|&=")


def skip_blank(text: str, at: int) -> int:
    """Return where the next statement begins."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def skip_statement(text: str, at: int) -> int | None:
    """Return where the statement at *at* ends: a newline or semicolon outside of everything."""
    stack: list[str] = []
    while at < len(text):
        character = text[at]
        if not stack and character in "\n;":
            return at
        if character in _PAIRS:
            stack.append(_PAIRS[character])
        elif stack and character == stack[-1]:
            stack.pop()
        after = _skip_token(text, at)
        if after is None:
            return None
        at = after
    return None if stack else at


def _skip_token(text: str, at: int, depth: int = 0) -> int | None:
    """Return the place after the text, comment or character at *at*; `None` when it is open."""
    character = text[at]
    here = _HERE_STRING.match(text, at)
    if here:
        return _after_here_string(text, here)
    if text.startswith("<#", at):
        return _after(text, "#>", at + 2)
    if character == "#" and (at == 0 or text[at - 1] in _STARTS_TOKEN):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if character == "`":
        return at + (3 if text.startswith("\r\n", at + 1) else 2)
    return _after_quoted(text, at, depth)


def _after_quoted(text: str, at: int, depth: int) -> int | None:
    if text[at] in POWERSHELL_SINGLE_QUOTES:
        return _after_single_quoted(text, at + 1)
    if text[at] in _DOUBLE_QUOTES:
        return _after_double_quoted(text, at + 1, depth)
    return at + 1


def _after(text: str, mark: str, at: int) -> int | None:
    end = text.find(mark, at)
    return None if end < 0 else end + len(mark)


def _after_here_string(text: str, opening: re.Match[str]) -> int | None:
    alike = POWERSHELL_SINGLE_QUOTES if opening[1] in POWERSHELL_SINGLE_QUOTES else _DOUBLE_QUOTES
    closing = re.compile(rf"\n[{alike}]@").search(text, opening.end() - 1)
    return closing.end() if closing else None


def _after_single_quoted(text: str, at: int) -> int | None:
    while at < len(text):
        if text[at] in POWERSHELL_SINGLE_QUOTES:
            if at + 1 >= len(text) or text[at + 1] not in POWERSHELL_SINGLE_QUOTES:
                return at + 1
            at += 1
        at += 1
    return None


def _after_double_quoted(text: str, at: int, depth: int) -> int | None:
    while at < len(text):
        character = text[at]
        if character == "`":
            at += 1
        elif text.startswith("$(", at):
            inner = _after_subexpression(text, at + 1, depth + 1)
            if inner is None:
                return None
            at = inner - 1
        elif character in _DOUBLE_QUOTES:
            if at + 1 >= len(text) or text[at + 1] not in _DOUBLE_QUOTES:
                return at + 1
            at += 1
        at += 1
    return None


def _after_subexpression(text: str, at: int, depth: int) -> int | None:
    """*at* is on its opening bracket."""
    brackets = 0
    while at < len(text) and depth <= _DEEPEST:
        brackets += {"(": 1, ")": -1}.get(text[at], 0)
        after = _skip_token(text, at, depth)
        if after is None or brackets == 0:
            return after
        at = after
    return None
