"""Settings to connections: git, NATS and the backend, each usable on its own."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from reconciler.cli.clock import SystemClock
from reconciler.cli.secrets import ConfiguredSecrets, GatewayKey, ScriptSecrets
from reconciler.cli.settings import Settings
from reconciler.cli.state_dir import prepare_state_dir
from reconciler.errors import KanadeUnavailable, UsageError
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.options import NatsOptions
from reconciler.kanade.http import BackendClient, BackendOptions
from reconciler.model.desired import SecretRef
from reconciler.source.address import AddressRules
from reconciler.source.download import Downloader
from reconciler.source.git import GitSource
from reconciler.source.location import Location
from reconciler.source.revert import GitReverts
from reconciler.source.settings import GitSettings

NO_SETTINGS = "no ./reconciler.toml here; name one by --config FILE, or make one: reconciler init"
"""What is most likely amiss where nothing is set."""

_DOWNLOAD_DEADLINE = timedelta(hours=1)
_DOWNLOAD_STALLED = timedelta(seconds=60)
_CONNECT_WITHIN = timedelta(seconds=5)
"""A person waits for the answer, or a supervisor starts us again."""


def secrets_of(settings: Settings) -> ConfiguredSecrets:
    """Return where the secrets' values are."""
    return ConfiguredSecrets(settings.secrets, lab=settings.controller.lab)


def script_secrets_of(settings: Settings) -> ScriptSecrets:
    """Return where the values of a deploy script's knobs are."""
    token = settings.backend.token if settings.backend is not None else None
    own = token.name if token is not None else None
    lab = settings.controller.lab
    return ScriptSecrets(
        secrets_of(settings), own, gateway_key_of(settings), SystemClock(), lab=lab
    )


def gateway_key_of(settings: Settings) -> GatewayKey:
    """Return where the key of download tokens is."""
    gateway = settings.serve.gateway if settings.serve is not None else None
    return GatewayKey(secrets_of(settings), gateway)


def repository_of(settings: Settings) -> str:
    """Return the repository's address.

    Raises:
        UsageError: none is set.
    """
    if settings.source.url is None:
        missing = "source.url is not set; expected a git address or a local path"
        raise UsageError(NO_SETTINGS if settings.path is None else missing)
    return settings.source.url


@contextmanager
def open_source(settings: Settings) -> Iterator[GitSource]:
    """Open the repository; nothing is asked of it before the first fetch."""
    source = GitSource(_git_settings(settings))
    try:
        yield source
    finally:
        source.close()


def open_reverts(settings: Settings, source: GitSource) -> GitReverts:
    """Return where branches are pushed to, the same repository; to be entered."""
    return GitReverts(source, _git_settings(settings), settings.source.revert_author)


def _git_settings(settings: Settings) -> GitSettings:
    state = prepare_state_dir(settings.controller.state_dir)
    secrets, token = secrets_of(settings), settings.source.token
    return GitSettings(
        repository=repository_of(settings),
        ref=settings.source.ref,
        folder=settings.source.folder,
        state_folder=state / "source",
        environment=os.environ,
        token=(lambda: secrets.resolve(token.name)) if token is not None else None,
        allow_loopback_http=settings.controller.allow_http_loopback,
        accept_rewrite=settings.source.accept_rewrite,
        fetch_deadline=settings.source.timeout,
    )


def local_repository(settings: Settings) -> Path | None:
    """Return the repository's folder where it is on this machine, so that it can be watched."""
    allowed = settings.controller.allow_http_loopback
    return Location.parse(repository_of(settings), allow_loopback_http=allowed).local


def downloader_of(settings: Settings) -> Downloader:
    """Return what fetches artifacts by their addresses."""
    return Downloader(
        rules=AddressRules(allow_loopback=settings.controller.allow_http_loopback),
        deadline=_DOWNLOAD_DEADLINE,
        stalled_after=_DOWNLOAD_STALLED,
    )


@asynccontextmanager
async def open_connection(settings: Settings) -> AsyncIterator[Connection]:
    """Connect to NATS.

    Raises:
        KanadeUnavailable: it does not answer.
        Unauthorized: the credential was refused.
    """
    secrets, nats = secrets_of(settings), settings.nats

    def revealed(reference: SecretRef | None) -> str | None:
        return secrets.resolve(reference.name) if reference is not None else None

    options = NatsOptions(
        servers=nats.urls,
        token=revealed(nats.token),
        user=nats.user,
        password=revealed(nats.password),
        credentials=nats.creds,
        ca=nats.tls.ca if nats.tls is not None else None,
        certificate=nats.tls.cert if nats.tls is not None else None,
        key=nats.tls.key if nats.tls is not None else None,
        inbox_prefix=nats.inbox_prefix,
        connect_timeout=_CONNECT_WITHIN,
    )
    connection = Connection(options)
    try:
        await connection.open()
    except KanadeUnavailable as error:
        if settings.path is not None or settings.source.url is not None:
            raise
        raise KanadeUnavailable(f"{NO_SETTINGS} ({error})") from error
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def open_backend(settings: Settings) -> AsyncIterator[BackendClient | None]:
    """Open the backend's API; `None` where none is configured."""
    if settings.backend is None:
        yield None
        return
    secrets, token = secrets_of(settings), settings.backend.token
    options = BackendOptions(
        url=settings.backend.url,
        token=lambda: secrets.resolve(token.name) if token is not None else None,
    )
    async with BackendClient(options, SystemClock()) as client:
        yield client
