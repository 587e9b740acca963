"""The HTTP application: who may ask, what a refusal is like, and which paths exist."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from reconciler.lab.backend import agents, catalogue, control, dispatch, history, packages
from reconciler.lab.backend.answers import Refused, json_answer
from reconciler.lab.backend.state import STATE, State, state_of

_BODY_BYTES = 2 * 1024 * 1024
_OPEN_PATHS = {"/api/version"}
_PAGE = "<!doctype html>\n<title>kanade</title>\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(state: State) -> web.Application:
    """Return the application; it serves as soon as it is run."""
    app = web.Application(middlewares=[refusals, bearer], client_max_size=_BODY_BYTES)
    app[STATE] = state
    app.router.add_get("/health", health)
    app.router.add_get("/api/version", version)
    for part in (packages, catalogue, dispatch, history, agents, control):
        app.router.add_routes(part.routes())
    return app


async def health(request: web.Request) -> web.Response:
    """Answer that the backend is up."""
    del request
    return web.Response(text="ok")


async def version(request: web.Request) -> web.Response:
    """Say which version this is; no credential is asked for."""
    return json_answer({"version": state_of(request).settings.version})


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every no into the answer that kanade gives."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response()
    except web.HTTPNotFound:
        # A path that nobody serves is the web page's: 200, and no JSON.
        return web.Response(text=_PAGE, content_type="text/html")
    except web.HTTPMethodNotAllowed as refused:
        allowed = {"Allow": ",".join(sorted(refused.allowed_methods))}
        return web.Response(status=405, headers=allowed)


@web.middleware
async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody in without the token, except where anybody may ask."""
    if request.path.startswith("/api/") and request.path not in _OPEN_PATHS:
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else ""
        if not token:
            raise Refused(401, "missing bearer token")
        if not hmac.compare_digest(token.encode(), state_of(request).settings.token.encode()):
            raise Refused(401, "invalid token: InvalidToken")
    return await handler(request)
