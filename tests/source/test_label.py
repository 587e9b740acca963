"""What binaries say of themselves, the sound ones and the others."""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.source.label import stated_version
from tests.source.binaries import elf_with_notes, linux_binary, windows_binary

Ask = Callable[[bytes], str | None]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Write bytes to a file, and ask it which version it is."""
    path = tmp_path_factory.mktemp("label") / "binary"
    path.touch()
    descriptor = os.open(path, os.O_RDWR)

    def ask(content: bytes) -> str | None:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content, 0)
        return stated_version(descriptor)

    yield ask
    os.close(descriptor)


@contextmanager
def counted_reads() -> Iterator[list[int]]:
    """Give the sizes of all that is read meanwhile."""
    reads: list[int] = []
    pread = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        reads.append(size)
        return pread(descriptor, size, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pread", counted)
        yield reads


@pytest.mark.parametrize(
    ("strings", "numbers", "expected"),
    [
        ({"ProductVersion": "0.43.0", "FileVersion": "9.9.9"}, (1, 2, 3, 4), "0.43.0"),
        ({"FileVersion": "0.43.0.0"}, (1, 2, 3, 4), "0.43.0.0"),
        ({"ProductVersion": "v1.2.3-rc.1+build"}, (0, 0, 0, 0), "1.2.3-rc.1+build"),
        ({"ProductVersion": " 1.2.3 "}, (0, 0, 0, 0), "1.2.3"),
        ({}, (0, 43, 0, 0), "0.43.0.0"),
        ({"CompanyName": "Ada"}, (1, 2, 3, 4), "1.2.3.4"),
        ({"ProductVersion": ""}, (1, 2, 3, 4), "1.2.3.4"),
        ({}, (0, 0, 0, 0), None),
        ({"ProductVersion": "Windows\u00ae 11"}, (0, 0, 0, 0), None),
        ({"ProductVersion": "0.42.0 (abc123)"}, (1, 2, 3, 4), "0.42.0"),
        ({"ProductVersion": "0.42.0 Release"}, (1, 2, 3, 4), "0.42.0"),
        ({"ProductVersion": "0,42,0,0"}, (1, 2, 3, 4), "0.42.0.0"),
        ({"ProductVersion": "0, 42, 0, 1 (Windows)"}, (1, 2, 3, 4), "0.42.0.1"),
        ({"ProductVersion": "nightly", "FileVersion": "0.42.0"}, (1, 2, 3, 4), "0.42.0"),
        ({"ProductVersion": "nightly", "FileVersion": "of today"}, (1, 2, 3, 4), "1.2.3.4"),
        ({"ProductVersion": "11 Professional"}, (1, 2, 3, 4), "1.2.3.4"),
        ({"ProductVersion": "0.42.0, of 2026"}, (0, 0, 0, 0), None),
        ({"ProductVersion": "1" * 2000}, (0, 0, 0, 0), "1" * 128),
    ],
)
def test_a_windows_binary_says_its_version(
    ask: Ask, strings: dict[str, str], numbers: tuple[int, int, int, int], expected: str | None
) -> None:
    assert ask(windows_binary(strings, numbers)) == expected


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_linux_binary_says_its_version(ask: Ask, *, wide: bool, order: str) -> None:
    metadata = {"type": "deb", "name": "tool", "version": "1.2.3"}

    assert ask(linux_binary(metadata, wide=wide, order=order)) == "1.2.3"


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "tool"},
        {"version": 1.1},
        {"version": ""},
        [],
        "1.2.3",
        b"{",
        b"\xff",
        b"[" * 60_000,
    ],
    ids=range(8),
)
def test_a_note_without_a_version_says_nothing(ask: Ask, metadata: object) -> None:
    assert ask(linux_binary(metadata)) is None


def test_a_binary_without_a_note_says_nothing(ask: Ask) -> None:
    assert ask(elf_with_notes((b"GNU\0", 3, b"id"))) is None
    assert ask(elf_with_notes()) is None


@pytest.mark.parametrize(
    "content", [b"", b"M", b"MZ", b"\x7fELF", b"#!/bin/sh\n", b"PK\x03\x04", b"\0" * 100]
)
def test_other_files_say_nothing(ask: Ask, content: bytes) -> None:
    assert ask(content) is None


def test_the_shell_that_runs_here_is_read_without_harm() -> None:
    descriptor = os.open("/bin/sh", os.O_RDONLY)
    try:
        stated_version(descriptor)
    finally:
        os.close(descriptor)


SOUND = (
    windows_binary({"ProductVersion": "1.2.3", "FileVersion": "1.2.3.0"}, (1, 2, 3, 0)),
    linux_binary({"version": "1.2.3"}),
    linux_binary({"version": "1.2.3"}, wide=False, order=">"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_malformed_binary_does_any_harm(ask: Ask, data: st.DataObject) -> None:
    """Any bytes of a sound one are exchanged or cut off; what it says may be anything, soon."""
    content = bytearray(data.draw(st.sampled_from(SOUND)))
    places = st.integers(0, min(len(content), 0x400) - 1)
    for place in data.draw(st.lists(places, max_size=12)):
        content[place] = data.draw(st.sampled_from([0, 1, 2, 0x10, 0x7F, 0x80, 0xFF]))
    cut = data.draw(st.integers(0, len(content)))

    with counted_reads() as reads:
        ask(bytes(content[: len(content) - cut] if cut % 3 == 0 else content))

    assert len(reads) < 21_000


def test_a_binary_of_many_resources_is_given_up(ask: Ask) -> None:
    """A folder of thousands of entries, each of which is another such folder."""
    content = bytearray(windows_binary({"ProductVersion": "1.2.3"}))
    content[0x200:] = folder_of(1, 0x80000000 + 1000) + bytes(1000)
    content[0x200 + 1000 :] = folder_of(4000, 0x80000000 + 40_000) + bytes(40_000)
    content[0x200 + 40_000 :] = folder_of(4000, 0) + bytes(40_000)
    section = content.index(b".rsrc")
    content[section + 8 : section + 12] = (80_000).to_bytes(4, "little")
    content[section + 16 : section + 20] = (80_000).to_bytes(4, "little")

    with counted_reads() as reads:
        assert ask(bytes(content)) is None

    assert 1000 < len(reads) < 21_000
    assert max(reads) <= 256 * 1024


def folder_of(count: int, leads_to: int) -> bytes:
    entries = (struct.pack("<II", 100 + number, leads_to) for number in range(count))
    return struct.pack("<IIHHHH", 0, 0, 0, 0, 0, count) + b"".join(entries)


def test_no_large_file_is_read_whole(tmp_path: Path) -> None:
    """A gigabyte of nothing behind a sound head costs a moment."""
    path = tmp_path / "large"
    path.write_bytes(windows_binary({"ProductVersion": "1.2.3"}))
    os.truncate(path, 2**30)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with counted_reads() as reads:
            assert stated_version(descriptor) == "1.2.3"
    finally:
        os.close(descriptor)
    assert 0 < sum(reads) < 2**20
