import asyncio
import json
import os
import resource
from collections.abc import AsyncIterator

import msgspec
import pytest

from reconciler.errors import Conflict, DigestMismatch, KanadeRefused, NoRoom
from reconciler.jetstream import api, sending
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.download import download
from reconciler.jetstream.object_info import (
    ObjectInfo,
    Options,
    decode_info,
    metadata_subject,
)
from reconciler.jetstream.upload import Target, remove, upload
from reconciler.model.digest import Digest
from tests.support.content import MemoryContent
from tests.support.streams import create_object_store, subjects

DATA = os.urandom(3_000_000)
SMALL = b"#!/bin/sh\necho hello\n"


@pytest.fixture
async def store(connection: Connection) -> Connection:
    await create_object_store(connection, "box")
    return connection


def target(data: bytes, replaces: int = 0, name: str = "tool/1.0") -> Target:
    return Target(bucket="box", name=name, digest=Digest.of(data), replaces=replaces)


async def read(connection: Connection, info: ObjectInfo) -> bytes:
    async with download(connection, info) as content:
        return b"".join([block async for block in content.blocks(100_000)])


@pytest.mark.parametrize("data", [DATA, SMALL, b"x" * 512 * 1024, b""])
async def test_what_was_put_is_read_back(store: Connection, data: bytes) -> None:
    heard: list[int] = []
    stored = await upload(store, target(data), MemoryContent(data), heard.append)

    assert await read(store, stored.info) == data
    assert stored.info.sha256 == Digest.of(data)
    assert heard[-1:] == ([len(data)] if data else [])
    assert heard == sorted(heard)


async def test_large_content_goes_in_fewer_chunks(
    store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_LARGE_BYTES", len(DATA))

    stored = await upload(store, target(DATA), MemoryContent(DATA))

    assert (stored.info.chunks, stored.info.options) == (3, Options(max_chunk_size=1020 * 1024))
    assert await read(store, stored.info) == DATA


async def test_metadata_is_spelled_as_other_clients_do(store: Connection) -> None:
    stored = await upload(store, target(SMALL), MemoryContent(SMALL))
    message = await api.last_message(store, "OBJ_box", "$O.box.M.dG9vbC8xLjA=")
    assert message is not None
    found = json.loads(message.data)
    mtime = found.pop("mtime")

    assert mtime.endswith("Z")
    assert found == {
        "name": "tool/1.0",
        "description": None,
        "metadata": {},
        "headers": None,
        "options": {"link": None, "max_chunk_size": 524288},
        "bucket": "box",
        "nuid": stored.info.nuid,
        "size": len(SMALL),
        "chunks": 1,
        "digest": Digest.of(SMALL).kanade,
    }
    assert message.sequence == stored.sequence
    assert message.headers["Nats-Rollup"] == "sub"


async def test_a_new_object_takes_the_place_of_the_old_one_and_its_chunks(
    store: Connection,
) -> None:
    first = await upload(store, target(DATA), MemoryContent(DATA))
    second = await upload(store, target(SMALL, first.sequence), MemoryContent(SMALL))

    assert await read(store, second.info) == SMALL
    assert await subjects(store, "OBJ_box") == {
        f"$O.box.C.{second.info.nuid}": 1,
        metadata_subject("box", "tool/1.0"): 1,
    }


async def test_bytes_of_another_digest_are_never_seen(store: Connection) -> None:
    first = await upload(store, target(SMALL), MemoryContent(SMALL))
    before = await subjects(store, "OBJ_box")

    with pytest.raises(DigestMismatch, match=r"tool/1\.0: expected sha256"):
        await upload(store, target(b"promised", first.sequence), MemoryContent(DATA))

    assert await subjects(store, "OBJ_box") == before
    assert await read(store, first.info) == SMALL


@pytest.mark.parametrize("replaces", [0, 99])
async def test_an_object_that_the_writer_has_not_seen_is_not_replaced(
    store: Connection, replaces: int
) -> None:
    first = await upload(store, target(SMALL), MemoryContent(SMALL))

    with pytest.raises(Conflict, match="has changed since it was read"):
        await upload(store, target(DATA, replaces), MemoryContent(DATA))

    assert await read(store, first.info) == SMALL


async def test_only_one_of_two_writers_wins_and_nothing_is_left_of_the_other(
    store: Connection,
) -> None:
    met = asyncio.Barrier(2)

    async def meet(position: int) -> None:
        if position == 0:
            await met.wait()

    results = await asyncio.gather(
        *(upload(store, target(data), MemoryContent(data, meet)) for data in (DATA, SMALL)),
        return_exceptions=True,
    )
    won = [result for result in results if not isinstance(result, BaseException)]

    assert len(won) == 1
    assert [type(result) for result in results if result not in won] == [Conflict]
    assert len(await subjects(store, "OBJ_box")) == 2
    assert Digest.of(await read(store, won[0].info)) == won[0].info.sha256


async def test_a_removed_object_can_be_put_again(store: Connection) -> None:
    done = await upload(store, target(SMALL), MemoryContent(SMALL))
    with pytest.raises(Conflict):
        await remove(store, "box", "tool/1.0", done.sequence - 1)
    assert await remove(store, "box", "tool/1.0", done.sequence) is not None
    assert await remove(store, "box", "tool/1.0", done.sequence) is None
    assert await remove(store, "box", "never/1.0", 0) is None
    message = await api.last_message(store, "OBJ_box", metadata_subject("box", "tool/1.0"))
    assert message is not None
    assert decode_info(message.data).deleted is True
    assert list(await subjects(store, "OBJ_box")) == [metadata_subject("box", "tool/1.0")]

    again = await upload(store, target(DATA), MemoryContent(DATA))
    assert await read(store, again.info) == DATA


async def test_what_does_not_fit_is_refused_before_a_byte_is_sent(connection: Connection) -> None:
    await create_object_store(connection, "box", max_bytes=2 * 1024 * 1024)
    sent: list[int] = []

    async def note(position: int) -> None:
        sent.append(position)

    with pytest.raises(NoRoom) as caught:
        await upload(connection, target(DATA), MemoryContent(DATA, note))

    assert "no room for tool/1.0: 3.0 MiB needed, 2.0 MiB of 2.0 MiB left" in str(caught.value)
    assert sent == []


async def test_a_bucket_that_fills_up_on_the_way_keeps_nothing(connection: Connection) -> None:
    await create_object_store(connection, "box", max_bytes=2 * 1024 * 1024)

    much = DATA * 4

    class Growing(MemoryContent):
        """Says that it is smaller than it is."""

        def __init__(self) -> None:
            super().__init__(much)
            self.size_bytes = 1000

    with pytest.raises(NoRoom, match=r"maximum bytes exceeded.*raise the limit"):
        await upload(connection, target(much), Growing())

    assert await subjects(connection, "OBJ_box") == {}


@pytest.mark.parametrize("name", ["", "n" * 257])
async def test_a_name_that_nats_would_choke_on_is_refused(store: Connection, name: str) -> None:
    with pytest.raises(KanadeRefused, match="1 to 256 are allowed"):
        await upload(store, target(SMALL, name=name), MemoryContent(SMALL))


async def test_memory_does_not_grow_with_the_object(store: Connection) -> None:
    block = os.urandom(512 * 1024)

    class Endless:
        size_bytes = 160 * len(block)

        async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
            for _ in range(160):
                yield block[:block_bytes]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    aim = Target(bucket="box", name="big/1", digest=Digest.of(block * 160), replaces=0)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await upload(store, aim, Endless())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base

    assert base >= before
    assert grown < 40 * 1024


def test_metadata_with_what_we_do_not_know_is_read() -> None:
    info = decode_info(b'{"name":"a/1","bucket":"b","nuid":"n","future":1,"deleted":false}')

    assert (info.name, info.sha256, info.deleted) == ("a/1", None, False)
    with pytest.raises(msgspec.ValidationError):
        decode_info(b'{"name":1,"bucket":"b","nuid":"n"}')


def test_a_link_has_no_digest_of_its_own() -> None:
    digest = Digest.of(b"").kanade
    plain = {"name": "a/1", "bucket": "b", "nuid": "n", "digest": digest}
    link = {**plain, "options": {"link": {"bucket": "c", "name": "d"}}}

    assert decode_info(json.dumps(plain).encode()).sha256 == Digest.of(b"")
    assert decode_info(json.dumps(link).encode()).sha256 is None
