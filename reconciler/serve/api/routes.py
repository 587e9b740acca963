"""The table of operations as a web application, to be mounted at `/api/v1`."""

from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from reconciler.serve.api.openapi import document
from reconciler.serve.api.operation import Call, Operation
from reconciler.serve.api.problem import problems
from reconciler.serve.api.stream import stream, wants_stream
from reconciler.serve.api.table import EVENTS, OPERATIONS
from reconciler.serve.entrance import Entrance
from reconciler.serve.seat import Seat

PREFIX = "/api/v1"
_MOST_BODY_BYTES = 64 * 1024


def api(seat: Seat, entrance: Entrance) -> web.Application:
    """Return the API over *seat*, for whom *entrance* lets in."""
    app = web.Application(middlewares=[problems], client_max_size=_MOST_BODY_BYTES)
    for operation in OPERATIONS:
        method = "POST" if operation.writes else "GET"
        path = operation.path.replace("{name}", "{name:[^/]+}")  # else a name has no braces
        app.router.add_route(method, path, _handler(operation, seat, entrance))
    described = msgspec.json.encode(document(PREFIX, OPERATIONS, EVENTS))

    async def describe(_: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    app.router.add_get("/openapi.json", describe, allow_head=False)
    return app


def _handler(operation: Operation, seat: Seat, entrance: Entrance) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if operation.writes:
            visitor = entrance.person(request, request.headers.get("X-CSRF-Token", ""))
        else:
            visitor = entrance.visitor(request)
        call = Call(request=request, seat=seat, visitor=visitor)
        if operation.path == EVENTS and wants_stream(request):
            return await stream(call)
        answer = msgspec.json.encode(await operation.answer(call))
        status = HTTPStatus.ACCEPTED if operation.writes else HTTPStatus.OK
        return web.Response(body=answer, status=status.value, content_type="application/json")

    return handle
