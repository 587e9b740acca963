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
from reconciler.serve.authenticator import Authenticator
from reconciler.serve.controls import Controls

PREFIX = "/api/v1"
_MOST_BODY_BYTES = 64 * 1024


def api(controls: Controls, authenticator: Authenticator) -> web.Application:
    """Return the API over *controls*, for whom *authenticator* lets in."""
    app = web.Application(middlewares=[problems], client_max_size=_MOST_BODY_BYTES)
    for operation in OPERATIONS:
        method = "POST" if operation.writes else "GET"
        path = operation.path.replace("{name}", "{name:[^/]+}")  # else a name has no braces
        app.router.add_route(method, path, _handler(operation, controls, authenticator))
    described = msgspec.json.encode(document(PREFIX, OPERATIONS, EVENTS))

    async def describe(_: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    app.router.add_get("/openapi.json", describe, allow_head=False)
    return app


def _handler(operation: Operation, controls: Controls, authenticator: Authenticator) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if operation.writes:
            visitor = authenticator.person(request, request.headers.get("X-CSRF-Token", ""))
        else:
            visitor = authenticator.visitor(request)
        call = Call(request=request, controls=controls, visitor=visitor)
        if operation.path == EVENTS and wants_stream(request):
            return await stream(call)
        answer = msgspec.json.encode(await operation.answer(call))
        status = HTTPStatus.ACCEPTED if operation.writes else HTTPStatus.OK
        return web.Response(body=answer, status=status.value, content_type="application/json")

    return handle
