"""The API's OpenAPI 3.1 document, made from the table of operations and the types they name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from reconciler import __version__
from reconciler.model.identity import Json
from reconciler.serve.api.operation import Operation
from reconciler.serve.api.problem import MEDIA_TYPE, Problem
from reconciler.serve.asked import MOST_CHARACTERS

_REF = "#/components/schemas/{name}"
_NAME: Json = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": MOST_CHARACTERS,
        "pattern": "^[^/]+$",
    },
}
_LAST_EVENT: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Of a stream: the number of the last event that was heard.",
    "schema": {"type": "string"},
}
_CSRF: Json = {
    "name": "X-CSRF-Token",
    "in": "header",
    "description": "That of /session, where a cookie or a proxy says who is asking.",
    "schema": {"type": "string"},
}
_READ_REFUSALS = {400: "the query does not fit", 401: "sign in first", 403: "not from here"}
_WRITE_REFUSALS = {
    400: "the body does not fit",
    401: "sign in first",
    403: "it takes a person, from our own page",
    404: "there is no such release",
    409: "it is not what was read, or cannot be done this way",
    413: "the body is too large",
    415: "the body is no JSON",
    503: "NATS does not answer",
}


def document(prefix: str, operations: Sequence[Operation], stream: str) -> Mapping[str, Json]:
    """Return the document; *stream* is the path whose answer may also be server-sent events."""
    kinds = dict.fromkeys(
        [Problem, *(kind for item in operations for kind in (item.answers, item.takes))]
    )
    _, made = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas = cast("dict[str, Json]", made)
    queries = {
        item.takes: tuple(_query(schemas.pop(item.takes.__name__)))
        for item in operations
        if not item.writes and item.takes.__name__ in schemas
    }
    paths: dict[str, Json] = {}
    for item in operations:
        streams = item.path == stream
        described = (
            _written(item) if item.writes else _read(item, queries[item.takes], streams=streams)
        )
        paths[item.path] = {"post" if item.writes else "get": described}
    paths["/openapi.json"] = {"get": _OF_ITSELF}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kanade-reconciler",
            "version": __version__,
            "description": "Where releases, hosts and jobs stand, and people's requests on them.",
        },
        "servers": [{"url": prefix}],
        "security": [{}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _read(operation: Operation, query: Sequence[Json], *, streams: bool) -> Json:
    good: dict[str, Json] = {"application/json": {"schema": _ref(operation.answers)}}
    parameters, refusals = [*_path(operation), *query], dict(_READ_REFUSALS)
    if "{name}" in operation.path:
        refusals[404] = "there is no such thing"
    if streams:
        parameters.append(_LAST_EVENT)
        good["text/event-stream"] = {"schema": {"type": "string"}}
        refusals[503] = "too many listen"
    return {
        "summary": operation.summary,
        "operationId": _id("get", operation.path),
        "parameters": parameters,
        "responses": {"200": {"description": "as it is now", "content": good}, **_no(refusals)},
    }


def _written(operation: Operation) -> Json:
    done: Json = {"application/json": {"schema": _ref(operation.answers)}}
    return {
        "summary": operation.summary,
        "operationId": _id("post", operation.path),
        "parameters": [*_path(operation), _CSRF],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(operation.takes)}},
        },
        "responses": {
            "202": {"description": "written down", "content": done},
            **_no(_WRITE_REFUSALS),
        },
        "security": [{"bearer": []}],
    }


def _id(method: str, path: str) -> str:
    return "_".join((method, *(part.strip("{}") for part in path.split("/") if part)))


def _path(operation: Operation) -> list[Json]:
    return [_NAME] if "{name}" in operation.path else []


def _query(schema: Json) -> Iterator[Json]:
    properties = cast("dict[str, dict[str, Json]]", schema)["properties"]
    for name, kind in properties.items():
        yield {"name": name, "in": "query", "schema": kind}


def _ref(kind: type[object]) -> Json:
    return {"$ref": _REF.format(name=kind.__name__)}


def _no(refusals: Mapping[int, str]) -> dict[str, Json]:
    problem: Json = {MEDIA_TYPE: {"schema": _ref(Problem)}}
    return {
        str(status): {"description": text, "content": problem} for status, text in refusals.items()
    }


_OF_ITSELF: Json = {
    "summary": "This document",
    "operationId": "get_openapi",
    "responses": {
        "200": {
            "description": "OpenAPI 3.1",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
    "security": [{}],
}
