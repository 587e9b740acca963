"""Events as they happen: `text/event-stream`, which a browser takes up again by itself."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import msgspec
from aiohttp import web

from reconciler.serve.api.operation import Call
from reconciler.serve.refusal import Refusal

_MOST_LISTENERS = 200
_HEARTBEAT_SECONDS = 15
_STALLED_SECONDS = 30
_LONGEST = timedelta(minutes=15)
"""Then a browser comes again with what it last heard, and shows again who it is."""
_DIGITS = 20


def wants_stream(request: web.Request) -> bool:
    """True for a client that would rather be notified than ask again."""
    return "text/event-stream" in request.headers.get("Accept", "")


async def stream(call: Call) -> web.StreamResponse:
    """Send `told` for every event, and `status` for all else that is new, until the client goes.

    Raises:
        Refusal: too many listen already.
    """
    controls = call.controls
    if controls.news.listeners >= _MOST_LISTENERS:
        detail = f"{_MOST_LISTENERS} listen already; try again"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "30"})
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    with controls.news.listening() as woken:
        sent = _last_heard(call)
        await response.prepare(call.request)
        await _send(response, b"retry: 3000\n\n")
        ends = controls.clock.monotonic() + _LONGEST.total_seconds()
        while not controls.news.ended and controls.clock.monotonic() < ends:
            for sequence, frame in _frames(call, sent):
                await _send(response, frame)
                sent = sequence
            if not await _woken(woken):
                await _send(response, b": still here\n\n")
                continue
            await _send(response, b"event: status\ndata: {}\n\n")
    return response


def _last_heard(call: Call) -> int:
    given, newest = call.request.headers.get("Last-Event-ID", ""), call.controls.events.newest
    known = given.isascii() and given.isdigit() and len(given) < _DIGITS
    return min(int(given), newest) if known else newest


def _frames(call: Call, after: int) -> Iterator[tuple[int, bytes]]:
    for entry in call.controls.events.entries(after):
        data = msgspec.json.encode(entry)
        yield entry.sequence, b"id: %d\nevent: told\ndata: %b\n\n" % (entry.sequence, data)


async def _woken(news: asyncio.Event) -> bool:
    """Wait for news; False when there was none for so long that the line must be kept open."""
    try:
        async with asyncio.timeout(_HEARTBEAT_SECONDS):
            await news.wait()
    except TimeoutError:
        return False
    news.clear()
    return True


async def _send(response: web.StreamResponse, frame: bytes) -> None:
    async with asyncio.timeout(_STALLED_SECONDS):
        await response.write(frame)
