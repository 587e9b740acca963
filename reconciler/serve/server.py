"""The controller's HTTP: what people and machines ask of it, and the webhook."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from reconciler.errors import UsageError
from reconciler.ports import Clock, Wake
from reconciler.serve.api.routes import PREFIX, api
from reconciler.serve.authenticator import Authenticator
from reconciler.serve.controls import Controls
from reconciler.serve.gateway import Gateway
from reconciler.serve.headers import add_headers
from reconciler.serve.hooks import git_hook_routes
from reconciler.serve.page.routes import Pages
from reconciler.serve.probes import Checks, probe_routes

_SHUTDOWN_SECONDS = 3.0
"""A download that is under way then is broken off: its client resumes with the rest."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebUi:
    """What is served for people: the page and the JSON API, and who may use them."""

    controls: Controls
    authenticator: Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where to listen, and what to serve; without its secret there is no webhook."""

    host: str
    port: int
    token: str | None = field(default=None, repr=False)
    """Who knows it may read."""
    webhook_secret: str | None = field(default=None, repr=False)
    checks: Checks = dict
    exposition: Callable[[], bytes] | None = None
    """The metrics; `None` where they are not to be had."""
    gateway: Gateway | None = None
    web_ui: WebUi | None = None
    tls: ssl.SSLContext | None = None


async def serve(endpoints: Endpoints, wake: Wake, clock: Clock) -> None:
    """Serve until cancelled.

    Raises:
        UsageError: the address cannot be listened on.
    """
    app = application(endpoints, wake, clock)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, endpoints.host, endpoints.port, ssl_context=endpoints.tls).start()
        log.info("listening", host=endpoints.host, port=endpoints.port)
        await asyncio.Event().wait()
    except OSError as error:
        message = f"cannot listen on {endpoints.host}:{endpoints.port}: {error.strerror or error}"
        raise UsageError(message) from error
    finally:
        await runner.cleanup()


def application(endpoints: Endpoints, wake: Wake, clock: Clock) -> web.Application:
    """Return all that is served on *endpoints*."""
    app = web.Application()
    app.on_response_prepare.append(add_headers)
    app.add_routes(probe_routes(endpoints.token, endpoints.checks, endpoints.exposition))
    app.add_routes(git_hook_routes(endpoints.webhook_secret, wake, clock))
    if endpoints.gateway is not None:
        app.add_routes(endpoints.gateway.routes())
    if endpoints.web_ui is not None:
        _furnish(app, endpoints.web_ui)
    return app


def _furnish(app: web.Application, web_ui: WebUi) -> None:
    app.add_subapp(PREFIX, api(web_ui.controls, web_ui.authenticator))
    pages = Pages(web_ui.controls, web_ui.authenticator)
    app.add_routes(pages.routes())
    app.middlewares.append(pages.middleware)

    async def end(_: web.Application) -> None:
        web_ui.controls.news.end()

    app.on_shutdown.append(end)
