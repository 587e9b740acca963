"""Bytes of a file that may be written to while they are read."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import ArtifactRefused
from reconciler.source.content import FileContent, check_size, refuse_pointer

MIB = 1024 * 1024
BYTES = os.urandom(10 * MIB + 7)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.fixture
def descriptor(file: Path) -> Iterator[int]:
    file.write_bytes(BYTES)
    descriptor = os.open(file, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("block_bytes", [1000, 512 * 1024, MIB, 3 * MIB, 5 * MIB, 64 * MIB])
async def test_blocks_are_of_the_asked_size_and_the_last_one_is_the_rest(
    descriptor: int, block_bytes: int
) -> None:
    content = FileContent(descriptor, "the file")

    blocks = [block async for block in content.blocks(block_bytes)]

    assert b"".join(blocks) == BYTES
    assert {len(block) for block in blocks[:-1]} <= {block_bytes}
    assert content.size_bytes == 10 * MIB + 7


async def test_a_file_that_becomes_shorter_is_found(file: Path, descriptor: int) -> None:
    content = FileContent(descriptor, "the file")
    os.truncate(file, 100)

    with pytest.raises(ArtifactRefused) as caught:
        [block async for block in content.blocks(MIB)]

    assert str(caught.value) == (
        "the file: changed while it was read: publish a file that nobody writes to"
    )


async def test_a_file_that_becomes_longer_is_found(file: Path, descriptor: int) -> None:
    content = FileContent(descriptor, "the file")
    with file.open("ab") as more:
        more.write(b"x")

    with pytest.raises(ArtifactRefused, match="changed while it was read"):
        [block async for block in content.blocks(MIB)]


async def test_a_file_that_is_written_to_in_place_is_found(file: Path, descriptor: int) -> None:
    content = FileContent(descriptor, "the file")
    blocks = content.blocks(4 * MIB)
    await anext(blocks)
    os.utime(file, ns=(0, 0))

    with pytest.raises(ArtifactRefused, match="changed while it was read"):
        [block async for block in blocks]


async def test_a_file_that_is_replaced_is_read_as_it_was(file: Path, descriptor: int) -> None:
    """Its old bytes are whole still: what was opened is what is read."""
    content = FileContent(descriptor, "the file")
    fresh = file.with_name("fresh")
    fresh.write_bytes(b"other")
    fresh.rename(file)

    assert b"".join([block async for block in content.blocks(MIB)]) == BYTES


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_pointer_is_not_taken_for_the_file(version: str) -> None:
    head = f"version https://git-lfs.github.com/spec/{version}\noid sha256:1\nsize 1\n".encode()

    with pytest.raises(ArtifactRefused) as caught:
        refuse_pointer(head, "artifacts/tool")

    assert str(caught.value) == (
        "artifacts/tool: is a git-lfs pointer, not the file: commit the file itself, or name it "
        "by `url` or `file`"
    )


@pytest.mark.parametrize("head", [b"", b"MZ", b"version: 1", b"# version https://git-lfs"])
def test_other_files_are_not_pointers(head: bytes) -> None:
    refuse_pointer(head, "artifacts/tool")


@pytest.mark.parametrize(
    ("found", "stated", "message"),
    [
        (0, None, "tool: the file is empty"),
        (1001, None, "tool: is 1,001 bytes; the limit is 1,000"),
        (999, 998, "tool: is 999 bytes; the release says 998"),
        (998, 999, "tool: is 998 bytes; the release says 999"),
    ],
)
def test_a_size_that_is_not_right_is_refused(found: int, stated: int | None, message: str) -> None:
    check_size(1000, stated=stated and 1000, at_most=1000, subject="tool")

    with pytest.raises(ArtifactRefused) as caught:
        check_size(found, stated=stated, at_most=1000, subject="tool")

    assert str(caught.value) == message
