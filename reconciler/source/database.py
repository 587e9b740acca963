"""The clone's objects as a snapshot: read in one thread, and no more than what has changed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from reconciler.errors import Fault, InvalidDesiredState
from reconciler.model.identity import Position, Revision
from reconciler.model.snapshot import Blob, Commit
from reconciler.source.entries import Entry, faults
from reconciler.source.names import shown
from reconciler.source.reading import ObjectReader, opened

MAX_ENTRIES = 10_000
MAX_CONTENT_BYTES = 1024 * 1024
MAX_SCRIPT_BYTES = 4 * 1024 * 1024
MAX_ALL_CONTENT_BYTES = 64 * 1024 * 1024
_SCRIPTS = "scripts/"

_T = TypeVar("_T")


class Database:
    """The clone's object database; GitPython is not for many threads, so that it has one."""

    def __init__(self, clone: Path, environment: Mapping[str, str]) -> None:
        self._clone = clone
        self._environment = environment
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="git-objects")

    async def revision(self, ref: str, *, likely: Revision | None = None) -> Revision:
        """Return the commit that *ref* is at; quicker where that is the *likely* one.

        Raises:
            CloneDamaged: the clone cannot be read.
            SourceRefused: the ref leads to no commit.
        """
        return await self._in_thread(lambda: self._revision(ref, likely))

    async def read(
        self, revision: Revision, folder: str, known: Mapping[str, Blob]
    ) -> tuple[Commit, Mapping[str, Blob]]:
        """Return *revision* and the files of its *folder*; *known* ones, by id, are not read again.

        Raises:
            CloneDamaged: the clone cannot be read.
            SourceRefused: there is no such folder, or too much in it.
            InvalidDesiredState: it holds what no desired state may hold; all of it is named.
        """
        return await self._in_thread(lambda: self._read(revision, folder, known))

    def close(self) -> None:
        """Let the thread end, when it has done what it does now."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _revision(self, ref: str, likely: Revision | None) -> Revision:
        with opened(self._clone, self._environment) as reader:
            found = reader.object_id(ref)
            return likely if likely is not None and found == likely else reader.revision(ref)

    def _read(
        self, revision: Revision, folder: str, known: Mapping[str, Blob]
    ) -> tuple[Commit, Mapping[str, Blob]]:
        with opened(self._clone, self._environment) as reader:
            commit = reader.commit(revision)
            entries = reader.entries(revision, folder, MAX_ENTRIES)
            if found := tuple(faults(entries)):
                raise InvalidDesiredState(found)
            files = [_sized(entry, reader, known) for entry in entries if entry.is_file]
            _check_room(files)
            return commit, {blob.path: _filled(blob, reader, known) for blob in files}


def _sized(entry: Entry, reader: ObjectReader, known: Mapping[str, Blob]) -> Blob:
    old = known.get(entry.object_id)
    size_bytes = reader.size(entry.object_id) if old is None else old.size_bytes
    return Blob(
        path=entry.path,
        object_id=entry.object_id,
        size_bytes=size_bytes,
        executable=entry.executable,
    )


def _filled(blob: Blob, reader: ObjectReader, known: Mapping[str, Blob]) -> Blob:
    if not _wanted(blob):
        return blob
    old = known.get(blob.object_id)
    content = None if old is None else old.content
    if content is None:
        content = reader.data(blob.object_id, "blob")
    return replace(blob, content=content)


def _wanted(blob: Blob) -> bool:
    limit = MAX_SCRIPT_BYTES if blob.path.startswith(_SCRIPTS) else MAX_CONTENT_BYTES
    return blob.size_bytes <= limit


def _check_room(files: Iterable[Blob]) -> None:
    total = 0
    for blob in files:
        total += blob.size_bytes if _wanted(blob) else 0
        if total > MAX_ALL_CONTENT_BYTES:
            limit = f"{MAX_ALL_CONTENT_BYTES:,}"
            message = f"with this file, small ones are more than {limit} bytes; keep fewer here"
            raise InvalidDesiredState((Fault(Position(shown(blob.path)), message),))
