"""The artifact gateway: kanade's download path, served by a process that is not being replaced.

A deploy script downloads from here in place of the backend, so that going back works while the
backend is what is broken. Status codes, headers and messages are those of kanade
(`crates/kanade-backend/src/api/app_packages.rs`), which knows no suffix ranges and no `If-Range`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiohttp import web

from reconciler.errors import KanadeRefused, ReconcilerError, TransientError
from reconciler.jetstream.object_info import ObjectInfo
from reconciler.kanade.objects import checked_ref
from reconciler.kanade.package_reader import PackageReader
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import ObjectRef, PackageName, Version
from reconciler.ports import Clock, Content
from reconciler.serve.credential import bearer_token
from reconciler.serve.ranges import asks_for_part, part_of

PATH = "/api/app-packages/{name}/{version}"
_BLOCK_BYTES = 64 * 1024
_BUSY_RETRY_SECONDS = "5"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What clients may take of us."""

    downloads: int
    """So many at a time; the next one is asked to come back."""
    patience: timedelta = timedelta(seconds=5)
    """How long one waits for its turn before it is answered so."""
    stalled_after: timedelta = timedelta(seconds=30)
    """A client that takes nothing for so long is left."""
    longest: timedelta = timedelta(hours=1)


class Gateway:
    """Serves packages to clients with a token for them; needs NATS, and nothing else of kanade."""

    def __init__(
        self, packages: PackageReader, key: Callable[[], TokenKey], clock: Clock, limits: Limits
    ) -> None:
        self._packages = packages
        self._key = key
        self._clock = clock
        self._limits = limits
        self._places = asyncio.Semaphore(limits.downloads)

    def routes(self) -> list[web.RouteDef]:
        """Return what is served, for GET and for HEAD."""
        return [web.get(PATH, self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Send a package, or the part of it that a `Range` asks for."""
        try:
            return await self._serve(request)
        except _Refused as refused:
            return refused.answer
        except TransientError as error:
            log.warning("cannot serve a package", path=request.path, why=str(error))
            return _busy("the package store does not answer; try again")
        except ReconcilerError as error:
            log.warning("cannot serve a package", path=request.path, why=str(error))
            return web.Response(status=500, text="the package cannot be served: see our log")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        ref = ObjectRef(request.match_info["name"], request.match_info["version"])
        grant = self._granted(request, ref)
        info = await self._find(ref, grant)
        etag = f'"{info.digest}"'
        wanted = request.headers.get("If-Match", etag)
        if wanted not in {etag, "*"}:
            text = f"If-Match {wanted} doesn't match current ETag {etag}"
            raise _Refused(web.Response(status=412, text=text))
        is_part = asks_for_part(request.headers, etag)
        span = part_of(request.headers["Range"], info.size) if is_part else range(info.size)
        if span is None:
            raise _Refused(_unsatisfiable(info.size))
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(span)),
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'attachment; filename="{ref.name}-{ref.version}"',
            "ETag": etag,
        }
        if is_part:
            headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{info.size}"
        response = web.StreamResponse(status=206 if is_part else 200, headers=headers)
        if request.method == "HEAD" or not span:
            await response.prepare(request)
            return response
        async with self._place(), self._packages.open(info, span) as content:
            log.info("download", package=str(ref), release=grant.release, client=request.remote)
            await self._send(request, response, content)
        return response

    def _granted(self, request: web.Request, ref: ObjectRef) -> DownloadGrant:
        token = bearer_token(request)
        if not token:
            raise _unauthorized("missing bearer token")
        package, version = PackageName(ref.name), Version(ref.version)
        grant = self._key().grant_of(token, package, version, self._clock.now())
        if grant is None:
            raise _unauthorized("invalid token: it is not for this package, or is out of date")
        return grant

    async def _find(self, ref: ObjectRef, grant: DownloadGrant) -> ObjectInfo:
        try:
            checked_ref(ref)
        except KanadeRefused as error:
            raise _Refused(web.Response(status=400, text=str(error))) from error
        info = await self._packages.find(ref)
        if info is None:
            raise _Refused(web.Response(status=404, text=f"app package '{ref}' not found"))
        if info.sha256 != grant.digest:
            text = f"app package '{ref}' has other bytes than this token is for"
            raise _Refused(web.Response(status=409, text=text))
        return info

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.patience.total_seconds()):
                await self._places.acquire()
        except TimeoutError as error:
            text = f"{self._limits.downloads} downloads are under way; try again"
            raise _Refused(_busy(text)) from error
        try:
            yield
        finally:
            self._places.release()

    async def _send(
        self, request: web.Request, response: web.StreamResponse, content: Content
    ) -> None:
        """Send *content*; a client that does not take it, or wrong bytes, end the connection."""
        blocks = content.blocks(_BLOCK_BYTES)
        block = await anext(blocks)  # so that a damaged object still is a 500, and nothing worse
        await response.prepare(request)
        try:
            async with asyncio.timeout(self._limits.longest.total_seconds()):
                await self._write(response, block)
                async for following in blocks:
                    await self._write(response, following)
        except (ReconcilerError, TimeoutError) as error:
            why = str(error) or "the client does not take it"
            log.warning("a download broke off", path=request.path, why=why)
            if request.transport is not None:
                request.transport.abort()

    async def _write(self, response: web.StreamResponse, block: bytes) -> None:
        async with asyncio.timeout(self._limits.stalled_after.total_seconds()):
            await response.write(block)


class _Refused(Exception):
    """The request has another answer than a package."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _unauthorized(text: str) -> _Refused:
    headers = {"WWW-Authenticate": "Bearer"}
    return _Refused(web.Response(status=401, text=text, headers=headers))


def _unsatisfiable(size: int) -> web.Response:
    text = f"Range header invalid or out of bounds for object size {size}\n"
    return web.Response(status=416, text=text, headers={"Content-Range": f"bytes */{size}"})


def _busy(text: str) -> web.Response:
    return web.Response(status=503, text=text, headers={"Retry-After": _BUSY_RETRY_SECONDS})
