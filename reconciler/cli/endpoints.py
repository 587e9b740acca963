"""What the controller serves over HTTP, and what it takes for it to be ready."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from reconciler.cli.links import gateway_key_of, open_connection, secrets_of
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import ServeTls, Settings
from reconciler.errors import UsageError
from reconciler.kanade.package_reader import PackageReader
from reconciler.model.desired import SecretRef
from reconciler.ports import Clock
from reconciler.revisions import Revisions
from reconciler.serve.gateway import Gateway, Limits
from reconciler.serve.server import Endpoints, WebUi
from reconciler.telemetry.metrics import Metrics


@asynccontextmanager
async def open_gateway(settings: Settings, clock: Clock) -> AsyncIterator[Gateway | None]:
    """Open the gateway, on a connection of its own: downloads hold up nothing else.

    Raises:
        SecretUnavailable: its key cannot be read.
        KanadeUnavailable: NATS does not answer.
    """
    gateway = settings.serve.gateway if settings.serve is not None else None
    if gateway is None:
        yield None
        return
    key = gateway_key_of(settings)
    key()
    async with open_connection(settings) as connection:
        limits = Limits(downloads=gateway.downloads)
        yield Gateway(PackageReader(connection), key, clock, limits)


def endpoints_of(
    settings: Settings,
    runtime: Runtime,
    metrics: Metrics,
    gateway: Gateway | None,
    web_ui: WebUi | None,
) -> Endpoints | None:
    """Return what to serve; `None` where the settings say that nothing listens.

    Raises:
        SecretUnavailable: a secret of it cannot be read.
        UsageError: the certificate cannot be used.
    """
    served = settings.serve
    if served is None:
        return None
    secrets = secrets_of(settings)

    def revealed(reference: SecretRef | None) -> str | None:
        return secrets.resolve(reference.name) if reference is not None else None

    return Endpoints(
        host=served.host,
        port=served.port,
        token=revealed(served.token),
        webhook_secret=revealed(served.webhook_secret),
        checks=lambda: checks(runtime.connection.trouble, runtime.revisions),
        exposition=metrics.exposition if served.metrics else None,
        gateway=gateway,
        web_ui=web_ui,
        tls=server_context(served.tls) if served.tls is not None else None,
    )


def server_context(files: ServeTls) -> ssl.SSLContext:
    """Return what to serve TLS with.

    Raises:
        UsageError: the files are not there, or are no certificate and its key.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(files.cert, files.key)
    except OSError as error:  # ssl.SSLError is one
        message = f"serve.tls: {files.cert} with {files.key}: {error.strerror or error}"
        raise UsageError(message) from error
    return context


def checks(trouble: str | None, revisions: Revisions) -> Mapping[str, str]:
    """Return what must be so for it to do its work, and why it is not; a standby is ready, too.

    *trouble* is that of the connection to NATS.
    """
    condition = revisions.standing.condition
    unread = condition.reason if condition is not None else "not asked yet"
    return {
        "nats": trouble or "",
        "source": "" if revisions.in_force is not None else f"no revision: {unread}",
    }
