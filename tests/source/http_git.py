"""Git's own smart http server on loopback, which can be told to be difficult."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.source.repository import ENVIRONMENT, Repository

Answer = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass
class HttpGit:
    """Serves a repository; `answer` may answer in its place, `None` leaves it to git."""

    repository: Repository
    url: str = ""
    answer: Answer | None = None
    password: str | None = None
    protocol: bool = True
    """Whether it speaks git's second protocol."""
    seen: list[str] = field(default_factory=list)
    """Every `Authorization` that came, empty where none did."""
    requests: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.headers.get("Authorization", ""))
        self.requests.append(request.path_qs)
        if self.answer is not None and (response := await self.answer(request)) is not None:
            return response
        if self.password is not None and not self._let_in(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await self._backend(request)

    def _let_in(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        return base64.b64decode(given).decode().partition(":")[2] == self.password

    async def _backend(self, request: web.Request) -> web.Response:
        environment = {
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.repository.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", "") if self.protocol else "",
        }
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate(await request.read())
        head, _, body = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=body)


@asynccontextmanager
async def serving(repository: Repository) -> AsyncIterator[HttpGit]:
    """Serve *repository* for as long as the context lasts."""
    server = HttpGit(repository)
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/{repository.path.name}"
    try:
        yield server
    finally:
        await runner.cleanup()


def arguments_of_all() -> list[str]:
    """Return the command lines of all processes, as any user can read them."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (process / "cmdline").read_bytes()
            lines.append(line.replace(b"\0", b" ").decode("utf-8", "replace"))
    return lines
