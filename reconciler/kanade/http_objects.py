"""Publishing through the backend, which validates, audits and replaces; reading is over NATS."""

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import quote

import msgspec

from reconciler.errors import Conflict, DigestMismatch, KanadeUnavailable, ReconcilerError
from reconciler.jetstream.hashing import Hashing
from reconciler.kanade.http import Ask, BackendClient, Body
from reconciler.kanade.http_errors import read_json
from reconciler.kanade.names import APP_PACKAGES, SCRIPTS
from reconciler.kanade.objects import NatsObjects, checked_ref
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.model.observed import StoredObject
from reconciler.ports import Content

_PATHS = {APP_PACKAGES: "/api/app-packages", SCRIPTS: "/api/script-objects"}
_SMALL_BYTES = 4 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_SLOWEST_BYTES_PER_SECOND = 1024 * 1024
_AT_LEAST = timedelta(minutes=1)


class _Published(msgspec.Struct):
    size: int
    digest: str | None = None


class HttpObjects:
    """Implements `ports.Objects` for one object store, through the backend."""

    def __init__(self, client: BackendClient, reads: NatsObjects) -> None:
        self._client = client
        self._reads = reads
        self._path = _PATHS[reads.bucket]

    async def refresh(self) -> None:
        """See `ports.Objects`."""
        await self._reads.refresh()

    async def resync(self) -> None:
        """See `ports.Objects`."""
        await self._reads.resync()

    def stored(self) -> Mapping[ObjectRef, StoredObject]:
        """See `ports.Objects`."""
        return self._reads.stored()

    async def check(self, ref: ObjectRef, digest: Digest) -> None:
        """See `ports.Objects`."""
        await self._reads.check(ref, digest)

    async def publish(
        self, ref: ObjectRef, content: Content, digest: Digest, *, replaces: int
    ) -> StoredObject:
        """See `ports.Objects`; that nothing else is replaced is only seen just before.

        The backend names an object when it has read the whole form: when the digest is not
        the right one, the form is broken off before its end, and nothing gets a name.
        """
        await self._see_replaced(ref, replaces)
        form = _Form(ref, content, digest)
        ask = Ask(
            method="POST",
            path=self._path_of(ref),
            body=await form.body(),
            content_type=form.content_type,
            within=_AT_LEAST + timedelta(seconds=content.size_bytes / _SLOWEST_BYTES_PER_SECOND),
        )
        try:
            answer = await self._client.request(ask)
        except KanadeUnavailable as error:
            raise form.failure or error from error
        endpoint = self._client.endpoint(ask)
        published = read_json(answer.data, answer.content_type, _Published, endpoint)
        if published.digest is None or Digest.parse(published.digest) != digest:
            raise DigestMismatch(f"{endpoint}: {ref}", digest.hex, str(published.digest))
        await self._reads.refresh()
        found = self._reads.stored().get(ref)
        if found is None or found.digest != digest:
            raise KanadeUnavailable(f"{endpoint}: the object store does not show it yet")
        return found

    async def delete(self, ref: ObjectRef) -> None:
        """See `ports.Objects`."""
        await self._reads.refresh()
        if ref not in self._reads.stored():
            return
        await self._client.request(Ask(method="DELETE", path=self._path_of(ref)))

    async def _see_replaced(self, ref: ObjectRef, replaces: int) -> None:
        await self._reads.refresh()
        found = self._reads.stored().get(ref)
        if (found.sequence if found else 0) != replaces:
            raise Conflict(f"{self._reads.bucket}: {ref} has changed since it was looked at")

    def _path_of(self, ref: ObjectRef) -> str:
        checked_ref(ref)
        return f"{self._path}/{quote(ref.name, safe='')}/{quote(ref.version, safe='')}"


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

    async def body(self) -> Body:
        """Return what to send; what fits into memory is hashed before it is sent."""
        if self._content.size_bytes > _SMALL_BYTES:
            return self._stream()
        return b"".join([block async for block in self._stream()])

    async def _stream(self) -> AsyncIterator[bytes]:
        yield self._head
        try:
            with Hashing() as hashing:
                async for block in self._content.blocks(_BLOCK_BYTES):
                    await hashing.add(block)
                    yield block
                found = await hashing.digest()
            if found != self._digest:
                raise DigestMismatch(str(self._ref), self._digest.hex, found.hex)
        except ReconcilerError as error:
            self.failure = error
            raise
        yield self._end
