"""A part of an object: exactly its bytes, and no chunk besides those that have them."""

import os
import random

import pytest

from reconciler.errors import ArtifactRefused
from reconciler.jetstream import api
from reconciler.jetstream.chunk_index import index_chunks
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.download import download_part
from reconciler.jetstream.object_info import ObjectInfo
from reconciler.jetstream.upload import Target, upload
from reconciler.model.digest import Digest
from tests.support.content import MemoryContent
from tests.support.streams import consumers, create_object_store

DATA = os.urandom(300_000)


async def put_uneven(connection: Connection) -> ObjectInfo:
    """Store chunks of all sizes, as an HTTP upload to kanade does, among another upload's."""
    await create_object_store(connection, "box")
    chance, position, chunks = random.Random(20261123), 0, 0
    while position < len(DATA):
        chunk = DATA[position : position + chance.randint(1, 9000)]
        await api.store(connection, "OBJ_box", "$O.box.C.uneven", chunk)
        for _ in range(chance.randint(0, 2)):
            await api.store(connection, "OBJ_box", "$O.box.C.another", b"not ours")
        position, chunks = position + len(chunk), chunks + 1
    return ObjectInfo(
        name="tool/1.0", bucket="box", nuid="uneven", size=len(DATA), chunks=chunks,
        digest=Digest.of(DATA).kanade,
    )  # fmt: skip


async def read(connection: Connection, info: ObjectInfo, span: range) -> bytes:
    index = await index_chunks(connection, info)
    async with download_part(connection, info, index, span, 20_000) as content:
        assert content.size_bytes == len(span)
        return b"".join([block async for block in content.blocks(5000)])


async def test_any_part_is_exactly_its_bytes(connection: Connection) -> None:
    info = await put_uneven(connection)
    index = await index_chunks(connection, info)
    edges = [start + by for start in index.starts[1:8] for by in (-1, 0, 1)]
    spans = [range(a, b) for a in edges for b in edges if a < b]
    chance = random.Random(20261123)
    for _ in range(30):
        start = chance.randrange(len(DATA))
        spans.append(range(start, chance.randint(start + 1, len(DATA))))

    for span in [*spans, range(len(DATA)), range(len(DATA) - 1, len(DATA))]:
        assert await read(connection, info, span) == DATA[span.start : span.stop], span

    assert await consumers(connection, "OBJ_box") == []


async def test_a_part_costs_its_own_chunks_and_not_what_is_before_it(
    connection: Connection,
) -> None:
    await create_object_store(connection, "box")
    data = os.urandom(20_000_000)
    target = Target(bucket="box", name="tool/1.0", digest=Digest.of(data), replaces=0)
    info = (await upload(connection, target, MemoryContent(data))).info
    statistics = connection._link.client.stats
    before = statistics["in_bytes"]

    part = await read(connection, info, range(19_000_000, 19_000_010))

    assert part == data[19_000_000:19_000_010]
    assert statistics["in_bytes"] - before < 600_000


async def test_an_object_that_lacks_chunks_has_no_index(connection: Connection) -> None:
    info = await put_uneven(connection)
    await api.purge(connection, "OBJ_box", "$O.box.C.uneven")

    with pytest.raises(ArtifactRefused, match=f"0 chunks of {info.chunks} are there"):
        await index_chunks(connection, info)


async def test_an_object_whose_chunks_were_cut_short_has_no_index(connection: Connection) -> None:
    info = await put_uneven(connection)
    await api.purge(connection, "OBJ_box", "$O.box.C.uneven")
    for _ in range(info.chunks):
        await api.store(connection, "OBJ_box", "$O.box.C.uneven", b"x")

    with pytest.raises(ArtifactRefused, match=f"{info.chunks} bytes of 300000 are there"):
        await index_chunks(connection, info)
