"""An object store: blobs as chunks on one subject each, and their metadata on another."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DeliverPolicy
from nats.js.errors import NotFoundError

from reconciler.lab import wire

CHUNK_BYTES = 128 * 1024
_WINDOW = 32
_ACK_SECONDS = 30
_READ_SECONDS = 30


class StoreRefused(Exception):
    """The broker did not take a chunk, for want of room most likely."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the metadata of an object says."""

    name: str
    nuid: str
    size: int
    chunks: int
    digest: str
    modified: str
    deleted: bool

    @property
    def sha256(self) -> str:
        """The digest as lowercase hex, whether its base64 was padded or not."""
        text = self.digest.removeprefix("SHA-256=").rstrip("=")
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()


class ObjectStore:
    """One of kanade's object stores."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._jetstream: JetStreamContext = client.jetstream()
        self._bucket = bucket
        self._stream = f"OBJ_{bucket}"

    async def info(self, name: str) -> Stored | None:
        """Return an object's metadata, that of a deleted one too; `None` when there is none."""
        return await self._read(self._meta_subject(name))

    async def names(self) -> list[str]:
        """Return the names of all objects, deleted ones too."""
        prefix = f"$O.{self._bucket}.M."
        info = await self._jetstream.stream_info(self._stream, subjects_filter=prefix + ">")
        subjects = info.state.subjects or {}
        return [
            base64.urlsafe_b64decode(subject.removeprefix(prefix)).decode() for subject in subjects
        ]

    async def put(self, name: str, blocks: AsyncIterator[bytes]) -> Stored:
        """Store *blocks* under *name*, in place of what was there.

        Raises:
            StoreRefused: the broker said no. As with kanade's own, the chunks that it had
                taken before stay behind, and nobody can see them.
        """
        before = await self.info(name)
        nuid = self._client.new_inbox().rpartition(".")[2]
        stored = await self._put_chunks(name, nuid, blocks)
        await self._put_meta(stored)
        if before is not None and not before.deleted:
            await self._purge(before.nuid)
        return stored

    async def delete(self, name: str) -> bool:
        """Mark an object as deleted and drop its chunks; false when there never was one."""
        stored = await self.info(name)
        if stored is None:
            return False
        gone = replace(stored, size=0, chunks=0, digest="", modified=wire.now(), deleted=True)
        await self._put_meta(gone)
        await self._purge(stored.nuid)
        return True

    async def blocks(self, stored: Stored) -> AsyncIterator[bytes]:
        """Yield an object's chunks in order."""
        if stored.chunks == 0:
            return
        subscription = await self._jetstream.subscribe(
            f"$O.{self._bucket}.C.{stored.nuid}",
            stream=self._stream,
            ordered_consumer=True,
            deliver_policy=DeliverPolicy.ALL,
        )
        try:
            for _ in range(stored.chunks):
                message = await subscription.next_msg(timeout=_READ_SECONDS)
                yield message.data
        finally:
            await subscription.unsubscribe()

    async def _put_chunks(self, name: str, nuid: str, blocks: AsyncIterator[bytes]) -> Stored:
        subject = f"$O.{self._bucket}.C.{nuid}"
        inbox = self._client.new_inbox()
        acks = await self._client.subscribe(inbox)
        digest, size, chunks, outstanding = hashlib.sha256(), 0, 0, 0
        try:
            async for chunk in _in_chunks(blocks):
                await self._client.publish(subject, chunk, reply=inbox)
                digest.update(chunk)
                size, chunks, outstanding = size + len(chunk), chunks + 1, outstanding + 1
                while outstanding >= _WINDOW:
                    outstanding -= _acknowledged(await acks.next_msg(timeout=_ACK_SECONDS))
            while outstanding:
                outstanding -= _acknowledged(await acks.next_msg(timeout=_ACK_SECONDS))
        finally:
            await acks.unsubscribe()
        spelled = base64.urlsafe_b64encode(digest.digest()).decode()
        return Stored(
            name=name, nuid=nuid, size=size, chunks=chunks, digest=f"SHA-256={spelled}",
            modified=wire.now(), deleted=False,
        )  # fmt: skip

    async def _put_meta(self, stored: Stored) -> None:
        meta: wire.Document = {
            "name": stored.name,
            "description": None,
            "metadata": {},
            "headers": None,
            "options": {"link": None, "max_chunk_size": CHUNK_BYTES},
            "bucket": self._bucket,
            "nuid": stored.nuid,
            "size": stored.size,
            "chunks": stored.chunks,
            "mtime": stored.modified,
            "digest": stored.digest,
        }
        if stored.deleted:
            meta["deleted"] = True
        await self._jetstream.publish(
            self._meta_subject(stored.name),
            wire.encode(meta),
            headers={"Nats-Rollup": "sub"},
            timeout=_ACK_SECONDS,
        )

    async def _read(self, subject: str) -> Stored | None:
        try:
            message = await self._jetstream.get_last_msg(self._stream, subject, direct=True)
        except NotFoundError:
            return None
        meta = wire.document(message.data or b"{}")
        return Stored(
            name=str(meta.get("name", "")),
            nuid=str(meta.get("nuid", "")),
            size=int(str(meta.get("size", 0))),
            chunks=int(str(meta.get("chunks", 0))),
            digest=str(meta.get("digest") or ""),
            modified=str(meta.get("mtime") or "0001-01-01T00:00:00Z"),
            deleted=bool(meta.get("deleted", False)),
        )

    async def _purge(self, nuid: str) -> None:
        await self._jetstream.purge_stream(self._stream, subject=f"$O.{self._bucket}.C.{nuid}")

    def _meta_subject(self, name: str) -> str:
        return f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"


async def whole(blocks: AsyncIterator[bytes]) -> bytes:
    """Return everything that *blocks* yields."""
    return b"".join([block async for block in blocks])


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Yield *data* as one block."""
    yield data


async def _in_chunks(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for block in blocks:
        held += block
        while len(held) >= CHUNK_BYTES:
            yield bytes(held[:CHUNK_BYTES])
            del held[:CHUNK_BYTES]
    if held:
        yield bytes(held)


def _acknowledged(message: Msg) -> int:
    error = wire.document(message.data).get("error")
    if isinstance(error, dict):
        raise StoreRefused(
            "failed publishing object chunks: failed getting chunk ack: publish failed: "
            f"{error.get('description')} (code {error.get('code')}, "
            f"error code {error.get('err_code')})"
        )
    return 1
