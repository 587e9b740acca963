import asyncio
import os
from datetime import timedelta

import pytest

from reconciler.errors import ArtifactUnavailable, Conflict, KanadeUnavailable
from reconciler.jetstream import api, sending
from reconciler.jetstream import connection as connection_module
from reconciler.jetstream import upload as upload_module
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.orphans import clear_orphans
from reconciler.jetstream.upload import Target, upload
from reconciler.model.digest import Digest
from tests.support.content import MemoryContent
from tests.support.nats import NatsProcess
from tests.support.streams import connected, create_object_store, subjects

DATA = os.urandom(12_000_000)
HALF = 12 * sending.CHUNK_BYTES
TARGET = Target(bucket="box", name="tool/1.0", digest=Digest.of(DATA), replaces=0)


async def test_a_server_that_restarts_in_the_middle_keeps_nothing(own_server: NatsProcess) -> None:
    async def restart(position: int) -> None:
        if position == HALF:
            own_server.kill()
            own_server.start()

    async with connected(own_server.url) as connection:
        await create_object_store(connection, "box")
        with pytest.raises(KanadeUnavailable):
            await upload(connection, TARGET, MemoryContent(DATA, restart))

        assert await subjects(connection, "OBJ_box") == {}
        stored = await upload(connection, TARGET, MemoryContent(DATA))
        assert (
            stored.info.chunks
            == (await subjects(connection, "OBJ_box"))[f"$O.box.C.{stored.info.nuid}"]
        )


async def test_a_server_that_freezes_in_the_middle_is_given_up(
    own_server: NatsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def freeze(position: int) -> None:
        if position == HALF:
            own_server.suspend()

    async with connected(own_server.url) as connection:
        await create_object_store(connection, "box")
        with monkeypatch.context() as hasty:
            hasty.setattr(sending, "_STORED_WITHIN", timedelta(seconds=0.5))
            hasty.setattr(upload_module, "_CLEAR_WITHIN_SECONDS", 0.5)
            hasty.setattr(connection_module, "_PATIENCE", timedelta(seconds=3))
            with pytest.raises(KanadeUnavailable, match=r"object store box on .*no answer in time"):
                await upload(connection, TARGET, MemoryContent(DATA, freeze))
        own_server.resume()

        # Chunks that were on the wire arrive late, after any purge; being ours and nobody's,
        # they go when somebody looks again.
        async with asyncio.timeout(60):
            await clear_orphans(connection, "box", _nothing_named, idle=timedelta(0))
            while await subjects(connection, "OBJ_box"):
                await clear_orphans(connection, "box", _nothing_named, idle=timedelta(0))


async def test_a_cancelled_upload_leaves_no_chunk(connection: Connection) -> None:
    await create_object_store(connection, "box")
    half_way = asyncio.Event()

    async def wait_for_ever(position: int) -> None:
        if position == HALF:
            half_way.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(upload(connection, TARGET, MemoryContent(DATA, wait_for_ever)))
    async with asyncio.timeout(60):
        await half_way.wait()
    assert await subjects(connection, "OBJ_box") != {}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await subjects(connection, "OBJ_box") == {}


async def test_content_that_stops_coming_ends_the_upload(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_BLOCK_WITHIN_SECONDS", 0.1)
    await create_object_store(connection, "box")

    async def stall(position: int) -> None:
        if position == HALF:
            await asyncio.Event().wait()

    with pytest.raises(ArtifactUnavailable):
        await upload(connection, TARGET, MemoryContent(DATA, stall))

    assert await subjects(connection, "OBJ_box") == {}


async def test_chunks_that_somebody_else_removes_are_missed(connection: Connection) -> None:
    await create_object_store(connection, "box")

    async def purge(position: int) -> None:
        if position == HALF:
            await api.purge(connection, "OBJ_box", "$O.box.C.*")

    with pytest.raises(KanadeUnavailable, match="chunks are stored of 23 that were sent"):
        await upload(connection, TARGET, MemoryContent(DATA, purge))

    assert await subjects(connection, "OBJ_box") == {}


async def test_metadata_that_may_yet_come_into_force_keeps_its_chunks(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_object_store(connection, "box")
    store = api.store

    async def lose_the_answer(*arguments: object) -> int:
        await store(*arguments)  # type: ignore[arg-type]
        raise KanadeUnavailable("lost")

    monkeypatch.setattr(api, "store", lose_the_answer)
    with pytest.raises(KanadeUnavailable, match="lost"):
        await upload(connection, TARGET, MemoryContent(DATA))

    assert sorted((await subjects(connection, "OBJ_box")).values()) == [1, 23]


async def test_metadata_that_loses_the_race_takes_its_chunks_along(
    connection: Connection,
) -> None:
    await create_object_store(connection, "box")

    async def overtake(position: int) -> None:
        if position == HALF:
            other = Target(bucket="box", name="tool/1.0", digest=Digest.of(b"x"), replaces=0)
            await upload(connection, other, MemoryContent(b"x"))

    with pytest.raises(Conflict):
        await upload(connection, TARGET, MemoryContent(DATA, overtake))

    assert sorted((await subjects(connection, "OBJ_box")).values()) == [1, 1]


async def _nothing_named() -> frozenset[str]:
    return frozenset()
