"""`{version}` and its kin in values of a release."""

import re
from collections.abc import Mapping

from reconciler.desired.wording import did_you_mean, listed, printable, quoted

_PLACEHOLDER = re.compile(r"(\{?)\{([A-Za-z_]\w*)\}(\}?)", re.ASCII)
_REFERENCE = re.compile(r"\{\s*(?:secret|gateway)\s*:[^{}]*\}", re.ASCII)
_LEFT_OVER = re.compile(
    r"(?<!\$)\{\s*[A-Za-z_]\w*(?![\w}-])[^{}]*\}?|\{\{[^{}]*\}*|^[^{}]*[A-Za-z_]\s*\}", re.ASCII
)
"""What was meant for a placeholder; JSON and GUIDs go through."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with every placeholder of *values* filled in, and nothing else changed."""
    return _PLACEHOLDER.sub(
        lambda match: f"{match[1]}{values[match[2]]}{match[3]}" if match[2] in values else match[0],
        text,
    )


def named_in(text: str) -> frozenset[str]:
    """Return the names of the placeholders in *text*."""
    return frozenset(match[2] for match in _PLACEHOLDER.finditer(text))


def placeholder_fault(text: str, known: Mapping[str, str]) -> str | None:
    """Say what is wrong with the placeholders of *text*, if anything is."""
    for match in _PLACEHOLDER.finditer(text):
        name = match[2]
        if name not in known:
            hint = did_you_mean(name, known) or f"; known are {listed(known)}"
            return f"unknown placeholder {printable(name)!r}{hint}"
        if match[1] or match[3]:
            return f"{match[0]} is not understood; write {{{name}}}, with single braces"
    reference = _REFERENCE.search(text)
    if reference is not None:
        return f"{printable(reference[0])} is a text in quotes; write it without them"
    strange = _LEFT_OVER.search(_PLACEHOLDER.sub("", text))
    if strange is not None:
        names = listed(f"{{{name}}}" for name in known)
        return f"{quoted(strange[0])} is no placeholder; they are {names}"
    return None
