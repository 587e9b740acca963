"""A backend that answers what a test tells it to, and remembers what it was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Asked:
    """One request, as it arrived; the body is `None` when it broke off."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


@dataclass(slots=True)
class ScriptedBackend:
    """Gives its replies in turn, the last one for ever."""

    replies: list[Reply]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body: bytes | None = None
        try:
            body = await request.read()
        finally:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.asked.append(Asked(request.method, request.raw_path, headers, body))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return await reply(request)


def answers(status: int, text: str = "", kind: str = "text/plain", **headers: str) -> Reply:
    """Return a reply with *text* in it."""

    async def reply(_: web.Request) -> web.StreamResponse:
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, content_type=kind, headers=spelled)

    return reply


@asynccontextmanager
async def scripted(*replies: Reply) -> AsyncIterator[ScriptedBackend]:
    """Serve *replies* on a loopback port."""
    backend = ScriptedBackend(list(replies))
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", backend.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    backend.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield backend
    finally:
        await runner.cleanup()
