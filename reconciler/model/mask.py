"""Texts of others without what is nobody's business; pure."""

import re
from collections.abc import Iterable

_HIDDEN = "***"
_USERINFO = re.compile(r"(?<=//)[^/@\s]+@")
# What comes before the value is bounded: a host may write anything, of any length.
_NAME = r"(?:token|passw(?:or)?d|secret|credential|api[_-]?key)[\w-]{0,40}"
_ASSIGNED = rf"{_NAME}[\"']?\s{{0,9}}[:=]\s{{0,9}}[\"']?"
_CREDENTIAL = re.compile(
    rf"(?P<name>\b(?:bearer|basic)\s+|{_ASSIGNED})(?!bearer\b|basic\b)[^\s\"']+", re.IGNORECASE
)
_STANDS_FOR_ONE = r"(?!bearer\b|basic\b|true\b|false\b|null\b|none\b|[$%{}()<>|&*#])"
_WRITTEN = re.compile(
    rf"(?P<name>\b(?:bearer|basic)\s+(?=\S*\d)|--[\w-]{{0,40}}{_NAME}\s{{1,9}}|{_ASSIGNED})"
    rf"{_STANDS_FOR_ONE}[^\s\"']+",
    re.IGNORECASE,
)
_PASSWORD_OF_URL = re.compile(r"(?<=//)[^/@:\s]*:(?![$%{])[^/@\s]+@")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)


def mask(text: str, secrets: Iterable[str]) -> str:
    """Return *text* without *secrets*, and without what looks like one."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return _CREDENTIAL.sub(rf"\g<name>{_HIDDEN}", _USERINFO.sub(f"{_HIDDEN}@", text))


def mask_written(text: str) -> str:
    """Return *text* without the secrets that seem to be written out in it.

    A variable or a placeholder in the place of one stays, and so do all lines but those of keys.
    """
    text = _PRIVATE_KEY.sub(_HIDDEN, text)
    return "".join(
        _WRITTEN.sub(rf"\g<name>{_HIDDEN}", _PASSWORD_OF_URL.sub(f"{_HIDDEN}@", line))
        for line in text.splitlines(keepends=True)
    )
