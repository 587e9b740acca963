"""Settings to connections: git, NATS and the backend, each usable on its own."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from reconciler.cli.clock import SystemClock
from reconciler.cli.secrets import ConfiguredSecrets, ScriptSecrets
from reconciler.cli.settings import Settings
from reconciler.cli.state_dir import prepare_state_dir
from reconciler.errors import UsageError
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.options import NatsOptions
from reconciler.kanade.http import BackendClient, BackendOptions
from reconciler.model.desired import SecretRef
from reconciler.source.git import GitSource
from reconciler.source.location import Location
from reconciler.source.settings import GitSettings


def secrets_of(settings: Settings) -> ConfiguredSecrets:
    """Return where the secrets' values are."""
    return ConfiguredSecrets(settings.secrets, lab=settings.controller.lab)


def script_secrets_of(settings: Settings) -> ScriptSecrets:
    """Return where the values of a deploy script's knobs are."""
    token = settings.backend.token if settings.backend is not None else None
    own = token.name if token is not None else None
    return ScriptSecrets(secrets_of(settings), own, lab=settings.controller.lab)


def repository_of(settings: Settings) -> str:
    """Return the repository's address.

    Raises:
        UsageError: none is set.
    """
    if settings.source.url is None:
        raise UsageError("source.url is not set; expected a git address or a local path")
    return settings.source.url


@contextmanager
def open_source(settings: Settings) -> Iterator[GitSource]:
    """Open the repository; nothing is asked of it before the first fetch."""
    state = prepare_state_dir(settings.controller.state_dir)
    source = GitSource(
        GitSettings(
            repository=repository_of(settings),
            ref=settings.source.ref,
            folder=settings.source.folder,
            state_folder=state / "source",
            environment=os.environ,
            allow_loopback_http=settings.controller.allow_http_loopback,
            accept_rewrite=settings.source.accept_rewrite,
            fetch_deadline=settings.source.timeout,
        )
    )
    try:
        yield source
    finally:
        source.close()


def local_repository(settings: Settings) -> Path | None:
    """Return the repository's folder where it is on this machine, so that it can be watched."""
    allowed = settings.controller.allow_http_loopback
    return Location.parse(repository_of(settings), allow_loopback_http=allowed).local


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
    )
    connection = Connection(options)
    await connection.open()
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
