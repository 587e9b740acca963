"""YAML spellings of the values that an edit puts in."""

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from reconciler.desired.paths import has_control_character
from reconciler.desired.plain_scalar import misreading, resolve

Replacement: TypeAlias = "str | Mapping[str, Replacement]"
Change: TypeAlias = "Replacement | None"
"""A new value; `None` takes the key away."""

_SAFE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@=-]*", re.ASCII)
_INDENT = 2


def spell_scalar(value: str, style: str = "") -> str:
    """Return *value* on one line, in the quotes that *style* names where they can hold it."""
    if style == "'" and not has_control_character(value):
        return "'" + value.replace("'", "''") + "'"
    if (
        style != '"'
        and _SAFE.fullmatch(value)
        and resolve(value) == value
        and not misreading(value)
    ):
        return value
    spelled = json.dumps(value, ensure_ascii=False)
    return "".join(f"\\u{ord(c):04x}" if has_control_character(c) else c for c in spelled)


def spell_flow(value: Replacement) -> str:
    """Return *value* for the inside of braces."""
    if isinstance(value, str):
        return spell_scalar(value)
    members = [f"{spell_scalar(name)}: {spell_flow(member)}" for name, member in value.items()]
    return "{" + ", ".join(members) + "}"


def spell_block(value: Replacement, column: int) -> str:
    """Return what follows a block mapping's `key:`; the key stands at *column*."""
    inner = " " * (column + _INDENT)
    if isinstance(value, str):
        return f" {_literal(value, inner)}" if _fits_literal(value) else f" {spell_scalar(value)}"
    if not value:
        return " {}"
    return "".join(
        f"\n{inner}{spell_scalar(name)}:{spell_block(member, column + _INDENT)}"
        for name, member in value.items()
    )


def _fits_literal(value: str) -> bool:
    """Text of several lines that a `|` block gives back byte for byte."""
    lines = value.split("\n")
    return (
        len(lines) > 1
        and bool(value.strip())
        and not any(has_control_character(line.replace("\t", "")) for line in lines)
        and not lines[0].startswith("\t")
    )


def _literal(value: str, indent: str) -> str:
    body = value.rstrip("\n")
    trailing = len(value) - len(body)
    chomping = {0: "-", 1: ""}.get(trailing, "+")
    needs_indicator = body.lstrip("\n").startswith(" ") or body.startswith("\n")
    header = f"|{_INDENT if needs_indicator else ''}{chomping}"
    lines = [f"{indent}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([header, *lines, *[""] * max(trailing - 1, 0)])
