import os

import msgspec
import pytest

from reconciler.errors import ArtifactRefused, DigestMismatch, KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream import chunks as chunks_module
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.download import download
from reconciler.jetstream.object_info import ObjectInfo
from reconciler.jetstream.upload import Target, upload
from reconciler.model.digest import Digest
from reconciler.ports import Content
from tests.support.content import MemoryContent
from tests.support.nats import NatsProcess
from tests.support.streams import connected, consumers, create_object_store

DATA = os.urandom(20_000_000)
TARGET = Target(bucket="box", name="tool/1.0", digest=Digest.of(DATA), replaces=0)


async def put(connection: Connection) -> ObjectInfo:
    await create_object_store(connection, "box")
    return (await upload(connection, TARGET, MemoryContent(DATA))).info


async def read(connection: Connection, info: ObjectInfo) -> bytes:
    async with download(connection, info) as content:
        return b"".join([block async for block in content.blocks(64 * 1024)])


async def test_blocks_are_as_large_as_they_were_asked_for(connection: Connection) -> None:
    info = await put(connection)
    async with download(connection, info) as content:
        sizes = [len(block) async for block in content.blocks(700_000)]

    assert content.size_bytes == len(DATA)
    assert sizes == [700_000] * 28 + [400_000]


async def test_a_reading_leaves_no_consumer_not_even_a_broken_off_one(
    connection: Connection,
) -> None:
    info = await put(connection)
    await read(connection, info)
    async with download(connection, info) as content:
        async for _ in content.blocks(1000):
            break

    assert await consumers(connection, "OBJ_box") == []


async def test_forged_metadata_is_found_out(connection: Connection) -> None:
    info = await put(connection)
    forged = msgspec.structs.replace(info, digest=Digest.of(b"other").kanade)

    with pytest.raises(DigestMismatch, match=r"object store box on .*: tool/1\.0: expected"):
        await read(connection, forged)


async def test_the_last_block_of_wrong_bytes_is_never_given_out(connection: Connection) -> None:
    info = await put(connection)
    forged = msgspec.structs.replace(info, digest=Digest.of(b"other").kanade)
    sizes: list[int] = []

    async def count(content: Content) -> None:
        async for block in content.blocks(200_000):
            sizes.append(len(block))  # noqa: PERF401 (what came before the error counts)

    async with download(connection, forged) as content:
        with pytest.raises(DigestMismatch):
            await count(content)

    assert sum(sizes) == len(DATA) - 200_000


@pytest.mark.parametrize(
    "change",
    [{"chunks": 38}, {"chunks": 40}, {"size": 1}, {"digest": "MD5=x"}, {"digest": None}],
)
async def test_metadata_that_does_not_fit_its_chunks_is_found_out(
    connection: Connection, change: dict[str, object]
) -> None:
    info = await put(connection)
    assert info.chunks == 39
    damaged = msgspec.structs.replace(info, **change)

    with pytest.raises(ArtifactRefused, match=r"tool/1\.0 is damaged: .*; publish it again"):
        await read(connection, damaged)


async def test_missing_chunks_are_an_error_and_no_endless_wait(connection: Connection) -> None:
    info = await put(connection)
    await api.purge(connection, "OBJ_box", f"$O.box.C.{info.nuid}")

    with pytest.raises(ArtifactRefused, match="0 chunks of 39 are there"):
        await read(connection, info)


async def test_a_server_that_freezes_in_the_middle_is_unavailable(
    own_server: NatsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(own_server.url) as connection:
        info = await put(connection)
        reading = download(connection, info)
        content = await reading.__aenter__()
        blocks = content.blocks(1000)
        await anext(blocks)
        own_server.suspend()
        monkeypatch.setattr(chunks_module, "_CHUNK_WITHIN_SECONDS", 0.3)
        with pytest.raises(KanadeUnavailable, match="no more chunks come"):
            async for _ in blocks:
                pass
        own_server.resume()
        await reading.__aexit__(None, None, None)
