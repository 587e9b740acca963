"""Putting an object: nothing names it before all of it is stored, and is what it should be.

nats-py's own `put` waits for each chunk, leaves its chunks behind when it is cancelled, and
replaces whatever metadata there is by then.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime

import msgspec

from reconciler.errors import (
    Conflict,
    DigestMismatch,
    KanadeUnavailable,
    NoRoom,
    ReconcilerError,
)
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.object_info import (
    NUID_PREFIX,
    ObjectInfo,
    Options,
    chunks_subject,
    decode_info,
    metadata_subject,
    stream_of,
)
from reconciler.jetstream.sending import Progress, Sending
from reconciler.model.digest import Digest
from reconciler.ports import Content

_CLEAR_WITHIN_SECONDS = 2.0
_OVERHEAD = 1.02
"""What a stream adds to the chunks, and a little more."""
_MEBIBYTE = 1024 * 1024
_OWN = "its max_bytes"
_MARGIN_BYTES = _MEBIBYTE // 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which object to put; `replaces` is the metadata's sequence, 0 where there is no object."""

    bucket: str
    name: str
    digest: Digest
    replaces: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What was put, and the sequence of its metadata."""

    info: ObjectInfo
    sequence: int


async def upload(
    connection: Connection, target: Target, content: Content, progress: Progress = lambda _: None
) -> Stored:
    """Put *content*, whole or not at all; *progress* hears how many bytes are stored.

    Raises:
        DigestMismatch: it is not what *target* says; no reader has seen any of it.
        Conflict: there is another object than *target* replaces.
        NoRoom: it does not fit; what was sent is removed.
        KanadeUnavailable: the server was lost. Only at the very end may the object be there
            all the same; chunks that could not be removed are for `orphans`.
    """
    subject = metadata_subject(target.bucket, target.name)
    before = await api.last_message(connection, stream_of(target.bucket), subject)
    old = _replaced(connection, before, target)
    now = await expect_room(connection, target.bucket, target.name, content.size_bytes)
    nuid = NUID_PREFIX + secrets.token_hex(10)
    sending = Sending(connection, target.bucket, nuid, content, progress)
    try:
        await _send(sending, target)
    except BaseException as error:
        await sending.settle()
        problem = await clear(connection, target.bucket, nuid)
        if isinstance(error, KanadeUnavailable) and isinstance(problem, NoRoom):
            # A server whose disk is full does not answer a publish; it does answer a purge.
            raise problem from error
        raise
    info = ObjectInfo(
        name=target.name,
        metadata={},
        options=Options(max_chunk_size=sending.chunk_bytes),
        bucket=target.bucket,
        nuid=nuid,
        size=sending.stored_bytes,
        chunks=sending.chunks,
        mtime=now,
        digest=target.digest.kanade,
    )
    sequence = await _name(connection, info, subject, before.sequence if before else 0)
    if old is not None:
        await clear(connection, target.bucket, old.nuid)
    return Stored(info, sequence)


async def room(connection: Connection, bucket: str) -> int | None:
    """Return how many bytes of content still fit; `None` when nothing limits them."""
    limits, _ = await _limits(connection, bucket)
    left = [limit - used for limit, used, _ in limits if limit >= 0]
    return max(int((min(left) - _MARGIN_BYTES) / _OVERHEAD), 0) if left else None


async def remove(connection: Connection, bucket: str, name: str, expected: int) -> int | None:
    """Delete the object with metadata at *expected*, and its chunks; `None` when there was none.

    Raises:
        Conflict: it is another one, which stays.
        KanadeUnavailable: no answer: it may be deleted.
    """
    subject = metadata_subject(bucket, name)
    before = await api.last_message(connection, stream_of(bucket), subject)
    old = None if before is None else live_info(before)
    if before is None or old is None:
        return None
    if before.sequence != expected:
        raise _changed(connection, bucket, name)
    gone = msgspec.structs.replace(old, size=0, chunks=0, digest="", deleted=True)
    sequence = await _name(connection, gone, subject, before.sequence)
    await clear(connection, bucket, old.nuid)
    return sequence


async def clear(connection: Connection, bucket: str, nuid: str) -> ReconcilerError | None:
    """Remove chunks that nothing names; when that fails they wait for `orphans`, and it is said."""
    try:
        async with asyncio.timeout(_CLEAR_WITHIN_SECONDS):
            await api.purge(connection, stream_of(bucket), chunks_subject(bucket, nuid))
    except ReconcilerError as error:
        return error
    except TimeoutError:
        return KanadeUnavailable(f"{connection.at(api.called(stream_of(bucket)))}: no answer")
    return None


def live_info(message: Message) -> ObjectInfo | None:
    """Return what *message* says of an object; `None` for one that is deleted, or no metadata."""
    try:
        info = decode_info(message.data)
    except ValueError:
        return None
    return None if info.deleted is True else info


def is_removed(message: Message) -> bool:
    """True for the metadata of an object that was deleted."""
    try:
        return decode_info(message.data).deleted is True
    except ValueError:
        return False


async def _send(sending: Sending, target: Target) -> None:
    digest = await sending.run()
    if digest != target.digest:
        raise DigestMismatch(target.name, target.digest.hex, digest.hex)


def _replaced(connection: Connection, before: Message | None, target: Target) -> ObjectInfo | None:
    found = 0 if before is None or is_removed(before) else before.sequence
    if found != target.replaces:
        raise _changed(connection, target.bucket, target.name)
    return None if before is None else live_info(before)


def _changed(connection: Connection, bucket: str, name: str) -> Conflict:
    endpoint = connection.at(api.called(stream_of(bucket)))
    return Conflict(f"{endpoint}: {name} has changed since it was read")


async def expect_room(connection: Connection, bucket: str, name: str, size_bytes: int) -> datetime:
    """See that an object fits beside what it replaces; returns the server's time.

    Raises:
        NoRoom: it does not; the error says what is needed, and by which command it is had.
    """
    limits, now = await _limits(connection, bucket)
    needed = int(size_bytes * _OVERHEAD) + _MARGIN_BYTES
    endpoint = connection.at(api.called(stream_of(bucket)))
    for limit, used, whose in limits:
        if 0 <= limit < used + needed:
            raise NoRoom(
                f"{endpoint}: no room for {name}: {_mebibytes(needed)} needed, "
                f"{_mebibytes(limit - used)} of {_mebibytes(limit)} left of {whose}; "
                f"delete old versions, or raise the limit{_way(bucket, whose, used + needed)}"
            )
    return now


async def _limits(
    connection: Connection, bucket: str
) -> tuple[tuple[tuple[int, int, str], ...], datetime]:
    """Return what limits *bucket*: how much, what of it is used, and whose; and the time."""
    stream = await api.stream_info(connection, stream_of(bucket))
    account = await api.account_info(connection)
    limits = (
        (stream.config.max_bytes, stream.state.bytes, _OWN),
        (account.limits.max_storage, account.storage, "the account's storage"),
    )
    return limits, stream.ts


async def _name(connection: Connection, info: ObjectInfo, subject: str, last: int) -> int:
    """Publish metadata in place of the message at *last*.

    When the answer is lost, it may yet come into force: the chunks must stay.
    """
    headers = {"Nats-Rollup": "sub", "Nats-Expected-Last-Subject-Sequence": str(last)}
    data = msgspec.json.encode(info)
    try:
        return await api.store(connection, stream_of(info.bucket), subject, data, headers)
    except (Conflict, NoRoom):
        if info.deleted is not True:
            await clear(connection, info.bucket, info.nuid)
        raise


def _way(bucket: str, whose: str, wanted: int) -> str:
    """Return how a limit of the store's own is raised; an account's is in the server's settings."""
    return f": nats stream edit {stream_of(bucket)} --max-bytes {wanted}" if whose == _OWN else ""


def _mebibytes(count: int) -> str:
    return f"{count / _MEBIBYTE:,.1f} MiB"
