"""Reading a request: query parameters and JSON bodies, refused with kanade's messages."""

import json
import re
from datetime import datetime

from aiohttp import web

from reconciler.lab import wire
from reconciler.lab.backend.answers import Refused


def limit_of(request: web.Request, default: int = 50) -> int:
    """Return the parameter `limit`."""
    text = request.query.get("limit")
    if text is None:
        return default
    if not text.isdecimal():
        raise _bad_query("limit", "invalid digit found in string")
    return int(text)


def since_of(request: web.Request) -> datetime | None:
    """Return the parameter `since`."""
    text = request.query.get("since")
    if text is None:
        return None
    try:
        return wire.instant(text)
    except ValueError as error:
        raise _bad_query("since", "input contains invalid characters") from error


def choice_of(request: web.Request, name: str, choices: tuple[str, ...]) -> str | None:
    """Return a parameter that must be one of *choices*."""
    text = request.query.get(name)
    if text is None or text in choices:
        return text
    listed = ", ".join(f"`{choice}`" for choice in choices)
    raise _bad_query(name, f"unknown variant `{text}`, expected one of {listed}")


def pattern_of(request: web.Request, name: str) -> re.Pattern[str] | None:
    """Return a parameter that is a regular expression; it may match anywhere."""
    text = request.query.get(name, "").strip()
    if not text:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise Refused(400, f"invalid regex `{text}`: regex parse error:\n    {error}") from error


async def json_body(request: web.Request) -> wire.Json:
    """Return the body of a request that must be JSON."""
    if request.content_type != "application/json":
        raise Refused(415, "Expected request with `Content-Type: application/json`")
    body = await request.read()
    try:
        return wire.decode(body)
    except json.JSONDecodeError as error:
        what = "expected value" if body.strip() else "EOF while parsing a value"
        place = f"at line {error.lineno} column {error.colno if body.strip() else 0}"
        raise Refused(400, f"Failed to parse the request body as JSON: {what} {place}") from error


def wrong_body(path: str, found: str) -> Refused:
    """Return the refusal of a JSON body with a value of the wrong kind."""
    return Refused(
        422, f"Failed to deserialize the JSON body into the target type: {path}: {found}"
    )


def _bad_query(name: str, fault: str) -> Refused:
    return Refused(400, f"Failed to deserialize query string: {name}: {fault}")
