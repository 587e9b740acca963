"""kanade's stored packages, read to be served on: any number at a time, each in little memory."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reconciler.jetstream import api
from reconciler.jetstream.chunk_index import ChunkIndex, index_chunks
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.download import download, download_part
from reconciler.jetstream.object_info import ObjectInfo, metadata_subject, stream_of
from reconciler.jetstream.upload import live_info
from reconciler.kanade.names import APP_PACKAGES
from reconciler.model.identity import ObjectRef
from reconciler.ports import Content

_WINDOW_BYTES = 2 * 1024 * 1024
_MOST_INDICES = 64


class PackageReader:
    """The object store `app_packages`, asked again for every reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._indices: OrderedDict[str, ChunkIndex] = OrderedDict()

    async def find(self, ref: ObjectRef) -> ObjectInfo | None:
        """Return what is stored as *ref*; `None` when nothing is.

        Raises:
            KanadeUnavailable: nothing is known.
        """
        subject = metadata_subject(APP_PACKAGES, str(ref))
        found = await api.last_message(self._connection, stream_of(APP_PACKAGES), subject)
        return None if found is None else live_info(found)

    @asynccontextmanager
    async def open(self, info: ObjectInfo, span: range) -> AsyncIterator[Content]:
        """Open the bytes of *span* for one reading; the whole is checked against its digest.

        Raises:
            ArtifactRefused: the object is damaged.
            KanadeUnavailable: the store does not answer.
        """
        if len(span) == info.size:
            reading = download(self._connection, info, _WINDOW_BYTES)
        else:
            index = await self._index(info)
            reading = download_part(self._connection, info, index, span, _WINDOW_BYTES)
        async with reading as content:
            yield content

    async def _index(self, info: ObjectInfo) -> ChunkIndex:
        """The chunks of a nuid never change, so what was learned of them holds for ever."""
        index = self._indices.get(info.nuid)
        if index is None:
            index = self._indices[info.nuid] = await index_chunks(self._connection, info)
        self._indices.move_to_end(info.nuid)
        if len(self._indices) > _MOST_INDICES:
            self._indices.popitem(last=False)
        return index
