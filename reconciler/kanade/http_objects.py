"""Publishing through the backend, which validates, audits and replaces; reading is over NATS."""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import msgspec

from reconciler.errors import Conflict, DigestMismatch, KanadeUnavailable, ReconcilerError
from reconciler.jetstream.hashing import Hashing
from reconciler.kanade.http import Ask, Before
from reconciler.kanade.http_errors import read_json
from reconciler.kanade.http_write import BackendWriter
from reconciler.kanade.names import APP_PACKAGES, SCRIPTS
from reconciler.kanade.objects import NatsObjects, checked_ref
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.model.observed import StoredObject
from reconciler.ports import Content

_PATHS = {APP_PACKAGES: "/api/app-packages", SCRIPTS: "/api/script-objects"}
_SMALL_BYTES = 1024 * 1024
"""What is sent at once, within the deadline of any other write."""
_BLOCK_BYTES = 256 * 1024
_SLOWEST_BYTES_PER_SECOND = 1024 * 1024
_AT_LEAST = timedelta(minutes=1)


class _Published(msgspec.Struct):
    size: int
    digest: str | None = None


class HttpObjects:
    """Implements `ports.Objects` for one object store, through the backend."""

    def __init__(self, writer: BackendWriter, reads: NatsObjects) -> None:
        self._writer = writer
        self._reads = reads

    async def refresh(self) -> None:
        """See `ports.Objects`."""
        await self._reads.refresh()

    async def resync(self) -> None:
        """See `ports.Objects`."""
        await self._reads.resync()

    def stored(self) -> Mapping[ObjectRef, StoredObject]:
        """See `ports.Objects`."""
        return self._reads.stored()

    async def room(self) -> int | None:
        """See `ports.Store`."""
        return await self._reads.room()

    async def check(self, ref: ObjectRef, digest: Digest) -> None:
        """See `ports.Objects`."""
        await self._reads.check(ref, digest)

    async def publish(
        self, ref: ObjectRef, content: Content, digest: Digest, *, replaces: int
    ) -> StoredObject:
        """See `ports.Objects`; that nothing else is replaced is only seen just before.

        The backend names an object when it has read the whole form: when the digest is not
        the right one, or we no longer lead, the form is broken off before its end, and nothing
        gets a name.
        """
        await self._reads.refresh()
        self._expect(ref, replaces)
        await self._reads.expect_room(ref, content.size_bytes)
        form = _Form(ref, content, digest)
        ask = Ask(
            method="POST",
            path=self._path_of(ref),
            content_type=form.content_type,
            within=_AT_LEAST + timedelta(seconds=content.size_bytes / _SLOWEST_BYTES_PER_SECOND),
        )
        try:
            if content.size_bytes > _SMALL_BYTES:
                answer = await self._writer.upload(
                    replace(ask, body=form.stream(self._writer.confirm))
                )
            else:
                answer = await self._writer.write(replace(ask, body=await form.whole()))
        except KanadeUnavailable as error:
            raise form.failure or error from error
        endpoint = self._writer.endpoint(ask)
        published = read_json(answer.data, answer.content_type, _Published, endpoint)
        if published.digest is None or Digest.parse(published.digest) != digest:
            raise DigestMismatch(f"{endpoint}: {ref}", digest.hex, str(published.digest))
        await self._reads.refresh()
        found = self._reads.stored().get(ref)
        if found is None or found.digest != digest:
            raise KanadeUnavailable(f"{endpoint}: the object store does not show it yet")
        return found

    async def delete(self, ref: ObjectRef, *, sequence: int) -> None:
        """See `ports.Objects`; that it is the one that is meant is only seen just before."""
        await self._reads.refresh()
        if ref not in self._reads.stored():
            return
        self._expect(ref, sequence)
        await self._writer.write(Ask(method="DELETE", path=self._path_of(ref)))

    def _expect(self, ref: ObjectRef, sequence: int) -> None:
        found = self._reads.stored().get(ref)
        if (found.sequence if found else 0) != sequence:
            raise Conflict(f"{self._reads.bucket}: {ref} has changed since it was read")

    def _path_of(self, ref: ObjectRef) -> str:
        return path_of(self._reads.bucket, ref)


def path_of(bucket: str, ref: ObjectRef) -> str:
    """Return where the object *ref* is up- and downloaded; raises what `checked_ref` raises."""
    checked_ref(ref)
    return f"{_PATHS[bucket]}/{quote(ref.name, safe='')}/{quote(ref.version, safe='')}"


class _Form:
    """A multipart form with one file, whose end is only sent when the digest was right."""

    def __init__(self, ref: ObjectRef, content: Content, digest: Digest) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.failure: ReconcilerError | None = None
        self._ref = ref
        self._content = content
        self._digest = digest
        self._head = (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="file"; filename="content"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._end = f"\r\n--{boundary}--\r\n".encode()

    async def whole(self) -> bytes:
        """Return all of it, hashed before any of it is sent."""
        return b"".join([block async for block in self.stream(None)])

    async def stream(self, before_the_end: Before | None) -> AsyncIterator[bytes]:
        """Yield it; its end only when *before_the_end* has gone well, too."""
        yield self._head
        try:
            with Hashing() as hashing:
                async for block in self._content.blocks(_BLOCK_BYTES):
                    await hashing.add(block)
                    yield block
                found = await hashing.digest()
            if found != self._digest:
                raise DigestMismatch(str(self._ref), self._digest.hex, found.hex)
            if before_the_end is not None:
                await before_the_end()
        except ReconcilerError as error:
            self.failure = error
            raise
        yield self._end
