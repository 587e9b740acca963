"""A server that is notified: it keeps what it is sent, and answers as the test says."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from reconciler.model.identity import Json


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.body)
        return found


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    silent: bool = False


@dataclass
class FarEnd:
    """Answers with what *replies* holds, one after the other, then always with *otherwise*."""

    address: str = ""
    otherwise: Reply = field(default_factory=Reply)
    replies: deque[Reply] = field(default_factory=deque)
    routes: dict[tuple[str, str], Json] = field(default_factory=dict)
    """Bodies by method and path, with the query, for an API that is asked for something."""
    requests: list[Request] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path
        self.requests.append(
            Request(
                method=request.method,
                path=path,
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        self.asked.set()
        reply = self.replies.popleft() if self.replies else self.otherwise
        if reply.silent:
            await asyncio.Event().wait()
        body = self.routes.get((request.method, path), reply.body)
        return web.json_response(body, status=reply.status, headers=reply.headers)


@asynccontextmanager
async def far_end() -> AsyncIterator[FarEnd]:
    end = FarEnd()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", end.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    end.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield end
    await runner.cleanup()
