"""URLs as a release may name them: whole, and without a credential."""

import re
from urllib.parse import SplitResult

from reconciler.desired.loopback import loopback_host, split_url
from reconciler.desired.wording import quoted

_PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}|[{}]", re.ASCII)
"""Also what is left over of one: to say so is the business of `placeholders`."""
_HOST = re.compile(r"\w(?:[\w.-]*\w)?\.?", re.ASCII)
_LOGIN = re.compile(r"https?://[^/@\s]+@|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)


def url_fault(value: str, *, plain_http: bool) -> str | None:
    """Say what is wrong with the URL *value*, before its placeholders are filled in.

    Where *plain_http* does not hold, only this very machine may be asked without TLS.
    """
    parts = split_url(_PLACEHOLDER.sub("x", value))
    if parts is None or not value.isascii() or not value.isprintable() or not _is_whole(parts):
        example = "http://{host}:8080/health" if plain_http else "https://host/path"
        return f"{quoted(value)} is not a URL; expected {example}"
    if "@" in parts.netloc:
        return "a URL in git may not carry a user or password"
    if parts.scheme == "https" or (parts.scheme == "http" and (plain_http or loopback_host(value))):
        return None
    return (
        f"{'http or https' if plain_http else 'https'} only; found {quoted(f'{parts.scheme}://')}"
    )


def carries_login(text: str) -> bool:
    """True for a text with a URL that logs in: by a password, or by what http takes for a token."""
    return _LOGIN.search(text) is not None


def _is_whole(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    literal = parts.netloc.rpartition("@")[2].startswith("[")
    named = literal or _HOST.fullmatch(host) is not None
    return (
        named and " " not in parts.geturl() and not parts.netloc.endswith(":") and parts.port != 0
    )
