"""The settings, typed; `load.py` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from reconciler.model.desired import SecretRef
from reconciler.model.identity import ReleaseName, SecretName


class Mode(StrEnum):
    """Which way writes go."""

    AUTO = "auto"
    BACKEND = "backend"
    NATS = "nats"


class LogFormat(StrEnum):
    """The format of a line of the log."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """What is worth a line."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class OfferRevert(StrEnum):
    """Whether people are offered a way to take out of git what is quarantined."""

    OFF = "off"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """The repository; `url` is `None` where no command needs one."""

    url: str | None
    ref: str
    folder: str
    interval: timedelta
    timeout: timedelta
    accept_rewrite: bool
    token: SecretRef | None
    offer_revert: OfferRevert
    revert_author: str
    """Written `Name <mail>`."""


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
    inbox_prefix: str


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
    prune: bool
    """What is ours and that nobody needs is deleted."""
    prune_limit: int
    """Percent of what is ours that may be deleted without a person's approval."""
    allow_http_loopback: bool
    lab: bool
    """No production: well-known secrets are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSettings:
    """Whose approval counts."""

    allowed_signers: Path | None
    """`None`: names are taken as they are given."""


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
class ServeTls:
    """What clients know us by."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Downloads for deploy scripts, by tokens that are made with a key."""

    key: SecretRef
    epoch: timedelta
    """How long a token stays the same; it holds for at least as long, and at most twice."""
    downloads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """A reverse proxy that asks people who they are."""

    trusted: tuple[str, ...]
    """Addresses and networks."""
    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """Where we listen; without a token only on loopback."""

    host: str
    port: int
    token: SecretRef | None
    webhook_secret: SecretRef | None
    metrics: bool
    tls: ServeTls | None
    behind_proxy: bool
    """TLS ends in front of us."""
    gateway: GatewaySettings | None
    page: bool
    """The JSON API with it."""
    people: Mapping[str, SecretRef]
    """Who may act over the page, each with a token of their own."""
    proxy: ProxySettings | None
    public_url: str | None
    """Where people find the page; without a slash at its end."""


class Provider(StrEnum):
    """A way to notify somebody."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"
    GITHUB_STATUS = "github-status"
    GITHUB_COMMENT = "github-comment"
    GITLAB_STATUS = "gitlab-status"
    GITLAB_COMMENT = "gitlab-comment"
    EMAIL = "email"
    NATS = "nats"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Who is notified of what; which of the optional ones are set depends on the provider."""

    name: str
    provider: Provider
    url: str | None
    address: SecretRef | None
    """The url, where it is a secret."""
    secret: SecretRef | None
    """A key to sign with, a forge's token, or a password."""
    subject: str | None
    sender: str | None
    recipients: tuple[str, ...]
    user: str | None
    releases: frozenset[ReleaseName]
    errors_only: bool
    hosts: bool
    attempts: int


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
    approval: ApprovalSettings
    secrets: Mapping[SecretName, SecretSource]
    serve: ServeSettings | None
    notify: tuple[NotifySettings, ...]
    log: LogSettings
    path: Path | None
    """The file that was read, if there was one."""
