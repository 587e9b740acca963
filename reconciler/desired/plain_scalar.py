"""What an unquoted YAML scalar means: only null, true, false and plain decimal numbers.

Everything else is text. What other readers take for something else (`no`, `010`, `12:30`,
`2026-01-02`, `1e3`) is marked, so that a person is asked to quote it.
"""

import re
from functools import lru_cache
from typing import TypeAlias

import yaml

Scalar: TypeAlias = bool | int | float | str | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_FLOAT = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{0,17}(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
_NUMBER = re.compile(
    r"0o[0-7]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII
)
"""Of YAML 1.2: it takes `1e3`, and the digest 12e45..., for numbers as well."""
_KINDS = {"bool": "a boolean", "int": "a number", "float": "a number", "timestamp": "a date"}
_TRUE = frozenset({"yes", "on", "true", "y"})


def resolve(text: str) -> Scalar:
    """Return the value of the plain scalar *text*."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isdigit() and text[0] not in "+-":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


@lru_cache(10_000)
def other_reading(text: str) -> str:
    """Return what any reader may take the plain *text* for, we included; empty for plain text."""
    value = resolve(text) if text else None
    if isinstance(value, bool):
        return f"the boolean {text.lower()}"
    return "nothing" if value is None else misreading(text)


def misreading(text: str) -> str:
    """Return what readers of YAML 1.1 or 1.2 would take *text* for; empty for plain text."""
    if not text:
        return ""
    if _NUMBER.fullmatch(text):
        return "a number"
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[0], ()):
        if pattern.match(text):
            kind = tag.removeprefix("tag:yaml.org,2002:")
            if kind == "bool":
                return "the boolean true" if text.lower() in _TRUE else "the boolean false"
            return _KINDS.get(kind, "")
    return ""
