"""Where the repository is: the addresses that are allowed, and how they may be shown."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.errors import UsageError

_REMOTE_HELPER = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ALMOST_SCHEME = re.compile(r"(https?|ssh|git|file):", re.IGNORECASE)
_SCP_LIKE = re.compile(r"(?:([^@/:]+)@)?([^@/:]+|\[[0-9A-Fa-f:.]+\]):(.+)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_MAX_LENGTH = 2048
_ALLOWED = "use https://, ssh://, user@host:path, file:// or a local path"


class Transport(StrEnum):
    """How git reaches the repository; the names of `GIT_ALLOW_PROTOCOL`."""

    HTTPS = "https"
    HTTP = "http"
    SSH = "ssh"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A repository's address, taken apart; `address` and `shown` carry no credential."""

    transport: Transport
    address: str
    shown: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def local(self) -> Path | None:
        """The repository's own folder, when it is on this machine."""
        return Path(self.address) if self.transport is Transport.FILE else None

    @classmethod
    def parse(cls, text: str, *, allow_loopback_http: bool = False) -> Self:
        """Parse the settings' URL.

        Raises:
            UsageError: it is no address, or not an allowed one; names it without its credential.
        """
        _check_characters(text)
        if helper := _REMOTE_HELPER.match(text):
            raise UsageError(_not_allowed(helper[1]))
        if not _SCHEME.match(text):
            if meant := _ALMOST_SCHEME.match(text):
                raise UsageError(f"repository: write {meant[1]}:// with two slashes")
            return cls._from_path(text)
        try:
            parts = urlsplit(text)
            parts.port  # noqa: B018 - reading it is what checks it
        except ValueError as error:
            raise UsageError(f"repository: not an address ({error}); {_ALLOWED}") from error
        if parts.query or parts.fragment or "?" in text or "#" in text:
            raise UsageError(f"repository {_shown(parts)}: an address has no '?' and no '#' here")
        return cls._from_url(parts, allow_loopback_http=allow_loopback_http)

    @classmethod
    def _from_url(cls, parts: SplitResult, *, allow_loopback_http: bool) -> Self:
        scheme = parts.scheme.lower()
        if scheme == Transport.FILE:
            return cls._from_file(parts)
        if scheme not in {Transport.HTTPS, Transport.HTTP, Transport.SSH}:
            raise UsageError(_not_allowed(scheme))
        shown = _shown(parts)
        if not _HOST.fullmatch(parts.hostname or ""):
            raise UsageError(f"repository {shown}: not a host name: {parts.hostname or ''!r}")
        if not parts.path.strip("/"):
            raise UsageError(f"repository {shown}: names a host but no repository")
        if scheme == Transport.HTTP and not (allow_loopback_http and is_loopback(parts.hostname)):
            raise UsageError(f"repository {shown}: https only; http would show its credentials")
        if scheme == Transport.SSH:
            return cls._from_ssh(parts, shown)
        return cls(
            transport=Transport(scheme),
            address=shown,
            shown=shown,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @classmethod
    def _from_ssh(cls, parts: SplitResult, shown: str) -> Self:
        if parts.password is not None:
            raise UsageError(f"repository {shown}: ssh takes a key, not a password in its address")
        user = parts.username
        if user is not None and not _USER.fullmatch(user):
            raise UsageError(f"repository {shown}: not a user name before the '@'")
        if parts.path.lstrip("/").startswith("-"):
            raise UsageError(f"repository {shown}: a path may not begin with '-'")
        address = shown if user is None else shown.replace("://", f"://{user}@", 1)
        return cls(transport=Transport.SSH, address=address, shown=address)

    @classmethod
    def _from_file(cls, parts: SplitResult) -> Self:
        if parts.netloc or not parts.path.startswith("/"):
            raise UsageError("repository: a file:// address has three slashes: file:///srv/git/x")
        return cls._from_path(unquote(parts.path))

    @classmethod
    def _from_path(cls, text: str) -> Self:
        if scp_like := _SCP_LIKE.fullmatch(text):
            user, host, path = scp_like.groups()
            host = host.strip("[]")
            good = _HOST.fullmatch(host) and (user is None or _USER.fullmatch(user))
            if not good or path.startswith("-"):
                raise UsageError(f"repository: not user@host:path; {_ALLOWED}")
            return cls(transport=Transport.SSH, address=text, shown=text)
        if text.startswith("-"):
            raise UsageError("repository: an address may not begin with '-'")
        path = str(Path(text).expanduser().absolute())
        return cls(transport=Transport.FILE, address=path, shown=path)


def is_loopback(host: str | None) -> bool:
    """Return whether *host* can only be this machine, without asking anybody."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _check_characters(text: str) -> None:
    if not text:
        raise UsageError(f"repository: the address is empty; {_ALLOWED}")
    if len(text) > _MAX_LENGTH:
        raise UsageError(f"repository: the address is longer than {_MAX_LENGTH} characters")
    for index, character in enumerate(text, 1):
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            name = f"U+{ord(character):04X}"
            raise UsageError(f"repository: character {name} at {index} is not allowed")


def _shown(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _not_allowed(scheme: str) -> str:
    return f"repository: protocol {scheme!r} is not allowed; {_ALLOWED}"
