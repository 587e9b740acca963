"""A large file streamed from git: in constant memory, and seen to be the right one."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import SourceUnavailable
from reconciler.model.snapshot import Snapshot
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import Repository, children, loosen

Make = Callable[[GitSettings], GitSource]
MIB = 1024 * 1024


async def read(source: GitSource, snapshot: Snapshot, block_bytes: int) -> list[bytes]:
    blob = snapshot.files["artifact"]
    async with source.open_blob(blob.object_id, blob.size_bytes) as content:
        assert content.size_bytes == blob.size_bytes
        return [block async for block in content.blocks(block_bytes)]


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 200_000])
async def test_blocks_are_of_the_asked_size_and_the_last_one_is_the_rest(
    repository: Repository, settings: GitSettings, make_source: Make, size: int
) -> None:
    content = os.urandom(size)
    repository.commit({"artifact": content})
    source = make_source(settings)

    blocks = await read(source, await source.fetch(), 1000)

    assert b"".join(blocks) == content
    assert {len(block) for block in blocks[:-1]} <= {1000}


async def test_a_large_blob_takes_no_memory(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    content = os.urandom(12 * MIB)
    repository.commit({"artifact": content})
    source = make_source(settings)
    snapshot = await source.fetch()
    blob = snapshot.files["artifact"]
    before, most, hashed = resident(), 0, hashlib.sha256()

    async with source.open_blob(blob.object_id, blob.size_bytes) as stream:
        async for block in stream.blocks(512 * 1024):
            hashed.update(block)
            most = max(most, resident())

    assert hashed.digest() == hashlib.sha256(content).digest()
    assert most - before < 4 * MIB


async def test_a_reader_that_stops_leaves_no_process(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"artifact": os.urandom(4 * MIB)})
    source = make_source(settings)
    blob = (await source.fetch()).files["artifact"]

    async with source.open_blob(blob.object_id, blob.size_bytes) as content:
        async for _ in content.blocks(1000):
            break

    assert children() == []


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
async def test_a_damaged_blob_is_found_and_the_clone_made_again(
    repository: Repository, settings: GitSettings, make_source: Make, damage: str
) -> None:
    content = os.urandom(2 * MIB)
    repository.commit({"artifact": content})
    source = make_source(settings)
    snapshot = await source.fetch()
    clone = settings.state_folder / "repository.git"
    (file,) = [path for path in clone.glob("objects/*/*") if path.stat().st_size > MIB]
    damage_file(file, damage)

    with pytest.raises(SourceUnavailable, match="which is made again at the next fetch"):
        await read(source, snapshot, 64 * 1024)

    assert b"".join(await read(source, await source.fetch(), MIB)) == content


async def test_another_object_in_its_place_is_found(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """Git gives out a loose object without looking whether it is the one that was asked for."""
    repository.commit({"artifact": b"right", "other": b"wrong"})
    source = make_source(settings)
    files = (snapshot := await source.fetch()).files
    loosen(settings.state_folder / "repository.git")
    objects = settings.state_folder / "repository.git" / "objects"
    right, wrong = (
        objects / oid[:2] / oid[2:]
        for oid in (
            files["artifact"].object_id,
            files["other"].object_id,
        )
    )
    right.chmod(0o600)
    right.write_bytes(wrong.read_bytes())

    with pytest.raises(SourceUnavailable, match="cannot be read from the clone"):
        await read(source, snapshot, 64 * 1024)


def damage_file(file: Path, damage: str) -> None:
    if damage == "gone":
        file.unlink()
        return
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0xFF
    file.write_bytes(content if damage == "flip" else content[: len(content) // 2])


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
