"""The controller's HTTP: liveness, and the webhook that says "look again"."""

import asyncio
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from reconciler.errors import UsageError
from reconciler.ports import Clock, Wake
from reconciler.serve.hooks import git_hook_routes

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to listen, and the webhook's secret; without one there is no webhook."""

    host: str
    port: int
    webhook_secret: str | None = field(default=None, repr=False)


async def serve(door: Door, wake: Wake, clock: Clock) -> None:
    """Serve until cancelled.

    Raises:
        UsageError: the address cannot be listened on.
    """
    app = web.Application()
    app.add_routes([web.get("/healthz", _healthy)])
    app.add_routes(git_hook_routes(door.webhook_secret, wake, clock))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, door.host, door.port).start()
        log.info("listening", host=door.host, port=door.port)
        await asyncio.Event().wait()
    except OSError as error:
        message = f"cannot listen on {door.host}:{door.port}: {error.strerror or error}"
        raise UsageError(message) from error
    finally:
        await runner.cleanup()


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")
