"""How to reach NATS."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.errors import UsageError

_CREDENTIALS = (b"-----BEGIN NATS USER JWT-----", b"-----BEGIN USER NKEY SEED-----")
_WEBSOCKET = frozenset({"ws", "wss"})
_SCHEMES = _WEBSOCKET | {"nats", "tls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsOptions:
    """Where NATS is, and who we are there; at most one kind of credential."""

    servers: tuple[str, ...]
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials: Path | None = None
    """A NATS `.creds` file."""
    ca: Path | None = None
    """Who signed the server's certificate, if not one of the system's."""
    certificate: Path | None = None
    key: Path | None = None
    name: str = "kanade-reconciler"
    """How the connection is called in the server's monitoring."""
    inbox_prefix: str = "_INBOX"
    connect_timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        if not self.servers:
            raise UsageError("no NATS server is given; expected a URL such as nats://host:4222")
        if len({_is_websocket(server) for server in self.servers}) > 1:
            raise UsageError("NATS: WebSocket servers and others cannot be mixed")
        kinds = (self.token, self.user, self.credentials)
        if sum(kind is not None for kind in kinds) > 1:
            raise UsageError("NATS: give a token, a user or a credentials file, not several")
        if (self.user is None) != (self.password is None):
            raise UsageError("NATS: a user needs a password, and a password a user")

    @property
    def shown(self) -> str:
        """The servers as an error may name them, without credentials."""
        return ", ".join(without_credentials(server) for server in self.servers)

    def check_credentials(self) -> None:
        """Check that a credentials file can be used; a better error than a failed connect gives.

        Raises:
            UsageError: it is not there, or the package that it needs is not.
        """
        if self.credentials is None:
            return
        if find_spec("nkeys") is None:
            raise UsageError("NATS: a credentials file needs the package nkeys: pip install nkeys")
        try:
            content = self.credentials.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UsageError(f"nats.creds: {self.credentials}: cannot be read: {reason}") from error
        if not all(mark in content for mark in _CREDENTIALS):
            raise UsageError(
                f"nats.creds: {self.credentials}: no credentials file; expected the JWT and the "
                "seed of a user, as nsc writes them"
            )

    def tls_context(self) -> ssl.SSLContext | None:
        """Return a context when anything of TLS is set; else nats-py uses the system's.

        Raises:
            UsageError: a file is not there or is no certificate.
        """
        if self.ca is None and self.certificate is None:
            return None
        settings = {"ca": self.ca, "cert": self.certificate, "key": self.key}
        for name, file in settings.items():
            _check_pem(f"nats.tls.{name}", file)
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError as error:
            raise UsageError(f"nats.tls.ca: {self.ca}: no certificate can be read of it") from error
        try:
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            files = f"{self.certificate} and {self.key}"
            reason = error.reason or error
            raise UsageError(f"nats.tls.cert, nats.tls.key: {files}: {reason}") from error
        return context


def _check_pem(setting: str, file: Path | None) -> None:
    try:
        content = file.read_bytes() if file is not None else b"-----BEGIN "
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{setting}: {file}: cannot be read: {reason}") from error
    if b"-----BEGIN " not in content:
        raise UsageError(f"{setting}: {file}: no PEM file")


def without_credentials(url: str) -> str:
    """Return *url* without user, password and token, for people to see."""
    scheme, _, rest = _with_scheme(url).partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"nats://{url}"


def _is_websocket(url: str) -> bool:
    """Check the scheme of *url*.

    Raises:
        UsageError: it is no URL of a NATS server.
    """
    address = without_credentials(url)
    try:
        parts = urlsplit(address)
        known = bool(parts.hostname) and parts.scheme in _SCHEMES and parts.port != 0
    except ValueError as error:
        raise UsageError(f"NATS: {address} is no server: {error}") from error
    if not known:
        raise UsageError(
            f"NATS: {address} is no server; expected nats://host:port, "
            "or tls, ws or wss in place of nats"
        )
    return parts.scheme in _WEBSOCKET
