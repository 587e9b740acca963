"""Packages and script objects: listed, published, served and deleted alike."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import BodyPartReader, MultipartReader, web

from reconciler.lab import names, wire
from reconciler.lab.backend.answers import Refused, json_answer, no_content
from reconciler.lab.backend.state import state_of
from reconciler.lab.objects import CHUNK_BYTES, ObjectStore, Stored, StoreRefused

_BROKEN_FORM = "Error parsing `multipart/form-data` request"
_SCRIPT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What differs between the two object stores."""

    path: str
    bucket: str
    noun: str
    action: str
    limit_bytes: int | None
    split: Callable[[str], tuple[str, str, str]]


KINDS = (
    Kind(
        path="/api/app-packages",
        bucket=names.APP_PACKAGES,
        noun="app package",
        action="app_package",
        limit_bytes=None,
        split=lambda key: key.partition("/"),
    ),
    Kind(
        path="/api/script-objects",
        bucket=names.SCRIPTS,
        noun="script object",
        action="script_object",
        limit_bytes=_SCRIPT_BYTES,
        split=lambda key: key.rpartition("/"),
    ),
)


def routes() -> list[web.RouteDef]:
    """Return the paths of both stores."""
    found: list[web.RouteDef] = []
    for kind in KINDS:
        objects = Objects(kind)
        one = kind.path + "/{name}/{version}"
        found += [
            web.get(kind.path, objects.listed),
            web.get(one, objects.served),
            web.post(one, objects.published),
            web.delete(one, objects.deleted),
        ]
    return found


class Objects:
    """The requests that concern one store."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    async def listed(self, request: web.Request) -> web.Response:
        """List what is stored, the newest first."""
        store = self._store(request)
        infos = [await store.info(name) for name in await store.names()]
        there = [info for info in infos if info is not None and not info.deleted]
        rows = [self._row(info) for info in there if "/" in info.name]
        rows.sort(key=lambda row: (str(row["name"]), str(row["version"])))
        rows.sort(key=lambda row: str(row["modified"]), reverse=True)
        return json_answer([*rows])

    async def published(self, request: web.Request) -> web.Response:
        """Store the field `file` of a multipart form, in place of what was there."""
        name, version = _segments(request)
        stored = await self._put_form(request, f"{name}/{version}")
        if stored is None:
            raise Refused(400, "missing 'file' field")
        answer: wire.Document = {
            "name": name,
            "version": version,
            "size": stored.size,
            "digest": stored.digest,
        }
        action = f"{self._kind.action}_publish"
        await state_of(request).audit.record(request, action, f"{name}/{version}", answer)
        return json_answer(answer)

    async def served(self, request: web.Request) -> web.StreamResponse:
        """Send the bytes, or the part that a `Range` asks for."""
        name, version = _segments(request)
        store = self._store(request)
        stored = await store.info(f"{name}/{version}")
        if stored is None or stored.deleted:
            raise Refused(404, f"{self._kind.noun} '{name}/{version}' not found")
        etag = f'"{stored.digest}"'
        wanted = request.headers.get("If-Match")
        if wanted is not None and wanted != etag:
            escaped = (text.replace('"', '\\"') for text in (wanted, etag))
            first, second = escaped
            raise Refused(412, f'If-Match "{first}" doesn\'t match current ETag "{second}"')
        window = _window(request.headers.get("Range"), stored.size)
        if window is None:
            return web.Response(
                status=416,
                headers={"Content-Range": f"bytes */{stored.size}"},
                text=f"Range header invalid or out of bounds for object size {stored.size}\n",
            )
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(window)),
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'attachment; filename="{name}-{version}"',
            "ETag": etag,
        }
        status = 200
        if "Range" in request.headers:
            status = 206
            headers["Content-Range"] = f"bytes {window.start}-{window.stop - 1}/{stored.size}"
        return await _send(
            request, web.StreamResponse(status=status, headers=headers), store, stored, window
        )

    async def deleted(self, request: web.Request) -> web.Response:
        """Delete an object; one that was deleted before is no fault."""
        name, version = _segments(request)
        if not await self._store(request).delete(f"{name}/{version}"):
            raise Refused(404, f"{self._kind.noun} '{name}/{version}' not in Object Store")
        payload: wire.Document = {"name": name, "version": version}
        action = f"{self._kind.action}_delete"
        await state_of(request).audit.record(request, action, f"{name}/{version}", payload)
        return no_content()

    def _store(self, request: web.Request) -> ObjectStore:
        return state_of(request).store(self._kind.bucket)

    def _row(self, info: Stored) -> wire.Document:
        name, _, version = self._kind.split(info.name)
        return {
            "name": name,
            "version": version,
            "size": info.size,
            "digest": info.digest,
            "modified": _offset_form(info.modified),
        }

    async def _put_form(self, request: web.Request, key: str) -> Stored | None:
        stored: Stored | None = None
        async for part in _parts(request):
            if part.name != "file":
                continue
            if stored is not None:
                raise Refused(400, "multipart body has more than one 'file' field")
            first = await _block(part)
            if not first:
                raise Refused(400, "'file' field is empty")
            try:
                stored = await self._store(request).put(key, self._bounded(part, first))
            except StoreRefused as error:
                raise Refused(500, str(error)) from error
        return stored

    async def _bounded(self, part: BodyPartReader, first: bytes) -> AsyncIterator[bytes]:
        size, block = 0, first
        while block:
            size += len(block)
            if self._kind.limit_bytes is not None and size > self._kind.limit_bytes:
                raise Refused(400, f"read file field: {_BROKEN_FORM}")
            yield block
            block = await _block(part)


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    store: ObjectStore,
    stored: Stored,
    window: range,
) -> web.StreamResponse:
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    position = 0
    async for block in store.blocks(stored):
        start, stop = max(window.start - position, 0), max(window.stop - position, 0)
        if piece := block[start:stop]:
            await response.write(piece)
        position += len(block)
    return response


async def _parts(request: web.Request) -> AsyncIterator[BodyPartReader]:
    try:
        reader = await request.multipart()
    except (ValueError, AssertionError) as error:
        raise Refused(400, "Invalid `boundary` for `multipart/form-data` request") from error
    while True:
        try:
            part = await reader.next()
        except ValueError as error:
            raise Refused(400, f"read multipart field: {_BROKEN_FORM}") from error
        if part is None:
            return
        if not isinstance(part, MultipartReader):
            yield part


async def _block(part: BodyPartReader) -> bytes:
    try:
        return bytes(await part.read_chunk(CHUNK_BYTES))
    except ValueError as error:
        raise Refused(400, f"read file field: {_BROKEN_FORM}") from error


def _segments(request: web.Request) -> tuple[str, str]:
    name, version = request.match_info["name"], request.match_info["version"]
    for label, value in (("name", name), ("version", version)):
        fault = _fault(value)
        if fault is not None:
            raise Refused(400, f"{label} must {fault}")
    return name, version


def _fault(value: str) -> str | None:
    if not value:
        return "be non-empty"
    if "/" in value:
        return "not contain '/'"
    for character in value:
        if not character.isascii():
            return f"be ASCII-printable (rejected non-ASCII character '{character}')"
        if not character.isprintable():
            return "not contain control characters"
        if character in '"\\':
            return "not contain '\"' or '\\\\'"
    return None


def _window(header: str | None, size: int) -> range | None:
    if header is None:
        return range(size)
    unit, _, span = header.partition("=")
    start, dash, end = span.partition("-")
    if unit != "bytes" or not dash or not start.isdecimal() or (end and not end.isdecimal()):
        return None
    first, last = int(start), int(end) if end else size - 1
    return range(first, last + 1) if first <= last < size else None


def _offset_form(moment: str) -> str:
    """Spell a time as a database column of kanade does: `+00:00`, no needless zeros."""
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        return "0001-01-01T00:00:00+00:00"
    return moment.replace("Z", "+00:00")
