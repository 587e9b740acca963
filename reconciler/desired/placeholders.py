"""`{version}` and its kin in values of a release."""

import re
from collections.abc import Mapping

from reconciler.desired.wording import did_you_mean, listed, printable

_PLACEHOLDER = re.compile(r"(\{?)\{([A-Za-z_]\w*)\}", re.ASCII)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with every placeholder of *values* filled in, and nothing else changed."""
    return _PLACEHOLDER.sub(
        lambda match: match[1] + values.get(match[2], match[0][len(match[1]) :]), text
    )


def placeholder_fault(text: str, known: Mapping[str, str]) -> str | None:
    """Say what is wrong with the placeholders of *text*, if anything is."""
    for match in _PLACEHOLDER.finditer(text):
        name = match[2]
        if name not in known:
            hint = did_you_mean(name, known) or f"; known are {listed(known)}"
            return f"unknown placeholder {printable(name)!r}{hint}"
        if match[1]:
            return f"{{{{{name}}}}} is not understood; write {{{name}}}, with single braces"
    return None
