"""The settings, typed; `settings.py` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from reconciler.model.desired import SecretRef
from reconciler.model.identity import SecretName


class Mode(StrEnum):
    """Which way writes go."""

    AUTO = "auto"
    BACKEND = "backend"
    NATS = "nats"


class LogFormat(StrEnum):
    """How a line of the log looks."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """What is worth a line."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """The repository; `url` is `None` where no command needs one."""

    url: str | None
    ref: str
    folder: str
    interval: timedelta
    timeout: timedelta
    accept_rewrite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Certificates for NATS, where the system's own do not do."""

    ca: Path | None
    cert: Path | None
    key: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsSettings:
    """Where NATS is; at most one of token, user and creds is set."""

    urls: tuple[str, ...]
    token: SecretRef | None
    user: str | None
    password: SecretRef | None
    creds: Path | None
    tls: TlsSettings | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """kanade's backend."""

    url: str
    token: SecretRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """How the controller works."""

    mode: Mode
    instance: str
    state_dir: Path
    artifact_roots: tuple[Path, ...]
    allow_builds: bool
    dispatch_deadline: timedelta
    """How long a command may wait to start."""
    resync: timedelta
    max_artifact_bytes: int
    allow_http_loopback: bool
    lab: bool
    """No production: well-known secrets are taken."""


class SecretPlace(StrEnum):
    """What kind of place a secret's value is in."""

    ENV = "env"
    FILE = "file"
    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where one secret's value is: the name of a variable or a credential, or a path."""

    place: SecretPlace
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """Where the status page listens; without a token only on loopback."""

    host: str
    port: int
    token: SecretRef | None
    webhook_secret: SecretRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the log says, and how."""

    format: LogFormat
    level: LogLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; `backend` and `serve` are `None` where they are off."""

    source: SourceSettings
    nats: NatsSettings
    backend: BackendSettings | None
    controller: ControllerSettings
    secrets: Mapping[SecretName, SecretSource]
    serve: ServeSettings | None
    log: LogSettings
    path: Path | None
    """The file that was read, if there was one."""
