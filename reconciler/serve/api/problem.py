"""Errors as RFC 9457 has them, `application/problem+json`, each explained in one line."""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from reconciler.serve.refusal import Refusal

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, as a client reads it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def answer_of(refusal: Refusal) -> web.Response:
    """Return *refusal* as an answer."""
    problem = Problem(
        title=refusal.status.phrase, status=refusal.status.value, detail=refusal.detail
    )
    return web.Response(
        status=refusal.status.value,
        body=msgspec.json.encode(problem),
        content_type=MEDIA_TYPE,
        headers=refusal.headers,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem, those of the router, too."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return answer_of(refusal)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return answer_of(_of_the_server(request, error))


def _of_the_server(request: web.Request, error: web.HTTPException) -> Refusal:
    headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    match error:
        case web.HTTPNotFound():
            detail = "there is nothing here; /api/v1/openapi.json says what there is"
        case web.HTTPMethodNotAllowed():
            allowed = " or ".join(sorted(error.allowed_methods))
            detail = f"{request.method} is not for this path; expected {allowed}"
        case web.HTTPRequestEntityTooLarge():
            detail = "the body is too large"
        case _:
            detail = error.reason
    return Refusal(HTTPStatus(error.status), detail, headers)
