"""An operation of the API: where it is, what it takes, and what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from reconciler.serve.controls import Controls
from reconciler.serve.refusal import Refusal
from reconciler.serve.visitor import Visitor

Taken = TypeVar("Taken", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, by somebody who may make it."""

    request: web.Request
    controls: Controls
    visitor: Visitor

    @property
    def name(self) -> str:
        """What the path names."""
        return self.request.match_info["name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One line of the table; a writing one is for people whose name is known."""

    path: str
    summary: str
    takes: type[msgspec.Struct]
    """By query when it reads, as the JSON body when it writes."""
    answers: type[object]
    answer: Callable[[Call], Awaitable[object]]
    writes: bool = False


def reading(
    path: str,
    summary: str,
    answer: Callable[[Call, Taken], object],
    takes: type[Taken],
    answers: type[object],
) -> Operation:
    """Return an operation that only reads."""

    async def read(call: Call) -> object:
        return answer(call, _from_query(call.request, takes))

    return Operation(path=path, summary=summary, takes=takes, answers=answers, answer=read)


def writing(
    path: str,
    summary: str,
    answer: Callable[[Call, Taken], Awaitable[object]],
    takes: type[Taken],
    answers: type[object],
) -> Operation:
    """Return an operation that writes a person's request down."""

    async def write(call: Call) -> object:
        return await answer(call, await _from_body(call.request, takes))

    return Operation(
        path=path, summary=summary, takes=takes, answers=answers, answer=write, writes=True
    )


def _from_query(request: web.Request, kind: type[Taken]) -> Taken:
    query = request.query
    for name in query:
        if len(query.getall(name)) > 1:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"{name} is given more than once")
    try:
        return msgspec.convert(dict(query), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the query does not fit: {error}") from error


async def _from_body(request: web.Request, kind: type[Taken]) -> Taken:
    if request.content_type != "application/json":
        detail = f"a body of {request.content_type} is not read; expected application/json"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the body does not fit: {error}") from error
