"""Chunks that no metadata names: what a crash in the middle of an upload leaves behind."""

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.object_info import NUID_PREFIX, chunks_subject, stream_of

IDLE = timedelta(minutes=10)
"""An upload that is still going on never pauses for so long."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """Chunk ids that nothing names, by whose they are."""

    removed: frozenset[str]
    """Ours, and abandoned."""
    foreign: frozenset[str]
    """Another client's: an upload under way seems the same, so they are left alone."""


async def clear_orphans(
    connection: Connection,
    bucket: str,
    named: Callable[[], Awaitable[AbstractSet[str]]],
    idle: timedelta = IDLE,
) -> Orphans:
    """Remove the chunks that are ours, that nothing names, and that have not grown for *idle*.

    *named* returns the chunk ids that metadata names. It is called after the chunks have been
    listed: an upload that ends in between is named by then.
    """
    stream, every = stream_of(bucket), chunks_subject(bucket, "*")
    listed = await api.stream_info(connection, stream, subjects=every)
    prefix = every.removesuffix("*")
    chunks = {subject.removeprefix(prefix) for subject in listed.state.subjects or {}}
    lost = chunks - await named()
    removed = set()
    for nuid in sorted(lost):
        subject = chunks_subject(bucket, nuid)
        if not nuid.startswith(NUID_PREFIX):
            continue
        last = await api.last_message(connection, stream, subject)
        if last is not None and listed.ts - last.timestamp >= idle:
            await api.purge(connection, stream, subject, before=last.sequence + 1)
            removed.add(nuid)
    foreign = {nuid for nuid in lost if not nuid.startswith(NUID_PREFIX)}
    return Orphans(frozenset(removed), frozenset(foreign))
