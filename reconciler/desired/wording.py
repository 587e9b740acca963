"""How faults are worded; text that came from outside is escaped and cut."""

import difflib
import json
import re
from collections.abc import Iterable

from reconciler.desired.node import Node

_USERINFO = re.compile(r"://[^/@\s]*@")
_SHOWN = 60
_MANY = 200


def quoted(text: str) -> str:
    """Return *text* in quotes, on one line, harmless to a terminal, without URLs' passwords."""
    text = _USERINFO.sub("://***@", text)
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    spelled = json.dumps(shown, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in spelled)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    """Return *text* as it is where it can be printed, else quoted."""
    return text if text and text.isprintable() and len(text) <= _SHOWN else quoted(text)


def found(node: Node) -> str:
    """Say what *node* holds."""
    match node.value:
        case None:
            return "nothing"
        case bool():
            return f"the boolean {node.text}"
        case int() | float():
            return f"the number {printable(node.text)}"
        case str() as text:
            return f"the text {quoted(text)}"
        case list():
            return "a list"
        case dict():
            return "a mapping"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """Return the one of *known* that *name* was probably meant to be."""
    candidates = list(known)
    by_case = {candidate.lower(): candidate for candidate in candidates}
    if name.lower() in by_case:
        return by_case[name.lower()]
    if len(candidates) > _MANY:
        candidates = [c for c in candidates if _is_alike(c, name)][:_MANY]
    matches = difflib.get_close_matches(name[:_SHOWN], candidates, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def _is_alike(candidate: str, name: str) -> bool:
    """A cheap first check, for a fleet of thousands."""
    return abs(len(candidate) - len(name)) <= 1 and (
        candidate[:4] == name[:4] or candidate[-4:] == name[-4:]
    )


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """Return a hint to append, or nothing when nothing is near."""
    near = nearest(name, known, cutoff)
    if near is None:
        return ""
    if near.lower() == name.lower():
        return f"; did you mean {near}? upper and lower case count"
    return f"; did you mean {near}?"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return a readable list, cut where it grows too long."""
    ordered = sorted(names)
    shown = ", ".join(printable(name) for name in ordered[:most])
    rest = len(ordered) - most
    return f"{shown} and {rest} more" if rest > 0 else shown
