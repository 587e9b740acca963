"""The repository's credential: handed to git by environment alone, and shown to nobody."""

import base64
import re
from dataclasses import dataclass, field

_USERINFO = re.compile(r"(?<=//)[^/@\s]+@")
_HIDDEN = "***"
_LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A user name and a password, or a token in its place."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The HTTP header that carries it."""
        return f"Authorization: Basic {self._encoded}"

    @property
    def _encoded(self) -> str:
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every text that would give it away, the longest first."""
        return tuple(sorted({self._encoded, self.password}, key=len, reverse=True))


def presentable(text: str, credential: Credential | None) -> str:
    """Make *text*, which others wrote, fit to be shown: one line, bounded, without a secret."""
    for secret in () if credential is None else credential.spellings:
        if secret:
            text = text.replace(secret, _HIDDEN)
    text = _USERINFO.sub("", text)
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 3]}..."
