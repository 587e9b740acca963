"""The controller's HTTP: what people and machines ask of it, and the webhook: "look again"."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from reconciler.errors import UsageError
from reconciler.ports import Clock, Wake
from reconciler.serve.api.routes import PREFIX, api
from reconciler.serve.entrance import Entrance
from reconciler.serve.gateway import Gateway
from reconciler.serve.headers import add_headers
from reconciler.serve.hooks import git_hook_routes
from reconciler.serve.page.routes import Pages
from reconciler.serve.probes import Checks, probe_routes
from reconciler.serve.seat import Seat

_SHUTDOWN_SECONDS = 3.0
"""A download that is under way then is broken off: whoever takes it goes on with the rest."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """What is behind the door for people: the page and the JSON API, and who may come in."""

    seat: Seat
    entrance: Entrance


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to listen, and what is there; without its secret there is no webhook."""

    host: str
    port: int
    token: str | None = field(default=None, repr=False)
    """Who knows it may look."""
    webhook_secret: str | None = field(default=None, repr=False)
    checks: Checks = dict
    exposition: Callable[[], bytes] | None = None
    """The metrics; `None` where they are not to be had."""
    gateway: Gateway | None = None
    hall: Hall | None = None
    tls: ssl.SSLContext | None = None


async def serve(door: Door, wake: Wake, clock: Clock) -> None:
    """Serve until cancelled.

    Raises:
        UsageError: the address cannot be listened on.
    """
    app = application(door, wake, clock)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, door.host, door.port, ssl_context=door.tls).start()
        log.info("listening", host=door.host, port=door.port)
        await asyncio.Event().wait()
    except OSError as error:
        message = f"cannot listen on {door.host}:{door.port}: {error.strerror or error}"
        raise UsageError(message) from error
    finally:
        await runner.cleanup()


def application(door: Door, wake: Wake, clock: Clock) -> web.Application:
    """Return all that is behind *door*."""
    app = web.Application()
    app.on_response_prepare.append(add_headers)
    app.add_routes(probe_routes(door.token, door.checks, door.exposition))
    app.add_routes(git_hook_routes(door.webhook_secret, wake, clock))
    if door.gateway is not None:
        app.add_routes(door.gateway.routes())
    if door.hall is not None:
        _furnish(app, door.hall)
    return app


def _furnish(app: web.Application, hall: Hall) -> None:
    app.add_subapp(PREFIX, api(hall.seat, hall.entrance))
    pages = Pages(hall.seat, hall.entrance)
    app.add_routes(pages.routes())
    app.middlewares.append(pages.middleware)

    async def end(_: web.Application) -> None:
        hall.seat.news.end()

    app.on_shutdown.append(end)
