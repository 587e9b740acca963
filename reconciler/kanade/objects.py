"""kanade's object stores over NATS: packages and scripts, named `<name>/<version>`."""

import base64
import binascii
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from reconciler.errors import DigestMismatch, KanadeRefused, NoRoom
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.download import download
from reconciler.jetstream.hashing import Hashing
from reconciler.jetstream.message import Message
from reconciler.jetstream.mirror import Mirror
from reconciler.jetstream.object_info import (
    ObjectInfo,
    metadata_filter,
    metadata_subject,
    stream_of,
)
from reconciler.jetstream.orphans import Orphans, clear_orphans
from reconciler.jetstream.sending import Progress
from reconciler.jetstream.upload import (
    Target,
    expect_room,
    is_removed,
    live_info,
    remove,
    room,
    upload,
)
from reconciler.kanade.audit import Audit
from reconciler.kanade.names import APP_PACKAGES, SCRIPTS
from reconciler.kanade.view import View
from reconciler.model.digest import Digest
from reconciler.model.identity import Json, ObjectRef
from reconciler.model.observed import StoredObject
from reconciler.ports import Content, Wake

_READ_BYTES = 512 * 1024
_DELETED_BY = {
    APP_PACKAGES: "kanade app delete NAME VERSION",
    SCRIPTS: "kanade script delete NAME VERSION",
}
_AUDITED = {APP_PACKAGES: "app_package", SCRIPTS: "script_object"}
_UNSPEAKABLE = frozenset('/"\\')


class NatsObjects:
    """Implements `ports.Objects` for one object store, by its own chunks and metadata."""

    def __init__(
        self,
        connection: Connection,
        bucket: str,
        changed: Wake = lambda: None,
        audit: Audit | None = None,
    ) -> None:
        self._connection = connection
        self.bucket = bucket
        self._audit = audit
        self._mirror = Mirror(connection, stream_of(bucket), metadata_filter(bucket), changed)
        self._view = View(self._mirror, _stored)
        self._read: tuple[Mapping[str, StoredObject], Mapping[ObjectRef, StoredObject]] = ({}, {})

    async def start(self) -> None:
        """Read all metadata, and follow it; raises what `Mirror.start` raises."""
        await self._mirror.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._mirror.stop()

    async def refresh(self) -> None:
        """See `ports.Objects`."""
        await self._mirror.refresh()

    async def resync(self) -> None:
        """Read all metadata again; raises what `refresh` raises."""
        await self._mirror.resync()

    def stored(self) -> Mapping[ObjectRef, StoredObject]:
        """See `ports.Objects`; an object whose metadata cannot be read has no digest."""
        values = self._view.read()
        if values is not self._read[0]:
            self._read = (values, {item.ref: item for item in values.values()})
        return self._read[1]

    async def room(self) -> int | None:
        """See `ports.Store`."""
        return await room(self._connection, self.bucket)

    async def expect_room(self, ref: ObjectRef, size_bytes: int) -> None:
        """See that an object fits, before any of it is sent; raises `NoRoom`."""
        with self._told():
            await expect_room(self._connection, self.bucket, str(ref), size_bytes)

    async def publish(
        self,
        ref: ObjectRef,
        content: Content,
        digest: Digest,
        *,
        replaces: int,
        progress: Progress = lambda _: None,
    ) -> StoredObject:
        """See `ports.Objects`; *progress* hears how many bytes are stored."""
        name = str(checked_ref(ref))
        target = Target(bucket=self.bucket, name=name, digest=digest, replaces=replaces)
        with self._told():
            done = await upload(self._connection, target, content, progress)
        await self._mirror.caught_up(done.sequence)
        await self._note("publish", ref, {"size": done.info.size, "digest": done.info.digest})
        return StoredObject(
            ref=ref,
            size_bytes=done.info.size,
            digest=digest,
            sequence=done.sequence,
            nuid=done.info.nuid,
        )

    async def check(self, ref: ObjectRef, digest: Digest) -> None:
        """See `ports.Objects`; also raises `ArtifactRefused` for a damaged object."""
        async with self.open(ref) as content:
            with Hashing() as hashing:
                async for block in content.blocks(_READ_BYTES):
                    await hashing.add(block)
                found = await hashing.digest()
        if found != digest:
            raise DigestMismatch(f"{self._endpoint}: {ref}", digest.hex, found.hex)

    async def delete(self, ref: ObjectRef, *, sequence: int) -> None:
        """See `ports.Objects`."""
        marker = await remove(self._connection, self.bucket, str(ref), sequence)
        if marker is not None:
            await self._mirror.caught_up(marker)
            await self._note("delete", ref, {})

    @asynccontextmanager
    async def open(self, ref: ObjectRef) -> AsyncIterator[Content]:
        """Open an object for one reading, as it is in the server now.

        Raises:
            KanadeRefused: there is no such object.
        """
        async with download(self._connection, await self._info(str(ref))) as content:
            yield content

    async def read_small(self, name: str, limit_bytes: int) -> bytes:
        """Return a whole object by its full name.

        Raises:
            KanadeRefused: there is no such object, or it is larger than *limit_bytes*.
        """
        info = await self._info(name)
        if info.size > limit_bytes:
            raise KanadeRefused(
                f"{self._endpoint}: {name} has {info.size:,} bytes, more than {limit_bytes:,}"
            )
        async with download(self._connection, info) as content:
            return b"".join([block async for block in content.blocks(_READ_BYTES)])

    async def sweep(self) -> Orphans:
        """Remove the chunks that we have left behind, and nobody else's."""
        return await clear_orphans(self._connection, self.bucket, self._named)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say by which command of kanade's a full store is emptied."""
        try:
            yield
        except NoRoom as error:
            verb = _DELETED_BY.get(self.bucket)
            raise NoRoom(f"{error}; versions go by: {verb}" if verb else str(error)) from error

    async def _note(self, verb: str, ref: ObjectRef, payload: Mapping[str, Json]) -> None:
        if self._audit is not None:
            noun = _AUDITED.get(self.bucket, self.bucket)
            named: dict[str, Json] = {"name": ref.name, "version": ref.version}
            await self._audit.record(f"{noun}_{verb}", str(ref), {**named, **payload})

    async def _named(self) -> frozenset[str]:
        await self._mirror.refresh()
        infos = (live_info(message) for message in self._mirror.live.values())
        return frozenset(info.nuid for info in infos if info is not None)

    async def _info(self, name: str) -> ObjectInfo:
        return await find_object(self._connection, self.bucket, name)

    @property
    def _endpoint(self) -> str:
        return self._connection.at(api.called(stream_of(self.bucket)))


async def find_object(connection: Connection, bucket: str, name: str) -> ObjectInfo:
    """Return an object's metadata as the store's leader has it.

    Raises:
        KanadeRefused: there is no such object.
    """
    subject = metadata_subject(bucket, name)
    found = await api.last_message(connection, stream_of(bucket), subject)
    info = None if found is None else live_info(found)
    if info is None:
        raise KanadeRefused(f"{connection.at(api.called(stream_of(bucket)))}: there is no {name}")
    return info


def checked_ref(ref: ObjectRef) -> ObjectRef:
    """Return *ref*, if kanade can store and serve it.

    Raises:
        KanadeRefused: kanade's API would refuse the name or the version.
    """
    for part in (ref.name, ref.version):
        unspeakable = not (part.isascii() and part.isprintable()) or _UNSPEAKABLE & set(part)
        if not part or part in {".", ".."} or unspeakable:
            raise KanadeRefused(
                f'{str(ref)[:120]!r} is no name of an object: printable ASCII without / " \\ '
                "is allowed in a name and a version"
            )
    return ref


def _stored(message: Message) -> StoredObject | None:
    """Read metadata; what exists and cannot be read must not seem absent."""
    ref = ObjectRef.parse(_name_of(message.subject))
    if ref is None or is_removed(message):
        return None
    info = live_info(message)
    return StoredObject(
        ref=ref,
        size_bytes=info.size if info else 0,
        digest=info.sha256 if info else None,
        sequence=message.sequence,
        nuid=info.nuid if info else "",
    )


def _name_of(subject: str) -> str:
    try:
        return base64.urlsafe_b64decode(subject.rpartition(".")[2]).decode()
    except (binascii.Error, ValueError):
        return ""
