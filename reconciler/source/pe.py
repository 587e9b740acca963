"""The version resource of a Windows binary."""

import os
import struct
from collections.abc import Iterator
from typing import SupportsIndex

import pefile

_RESOURCES = 2  # IMAGE_DIRECTORY_ENTRY_RESOURCE
_MAX_SLICE_BYTES = 256 * 1024
_MAX_READS = 20_000
_STRINGS = (b"ProductVersion", b"FileVersion")

# What a malformed file makes pefile raise, besides its own error; it promises nothing here.
_MALFORMED = (
    pefile.PEFormatError,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


class _Window:
    """A file as pefile wants its bytes: each slice is one bounded read, and there are only so many.

    The file may be somebody else's and shrink meanwhile; a mapping of it would end the process.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._reads = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, key: "slice[SupportsIndex | None, SupportsIndex | None, None]") -> bytes:
        start, stop, _ = key.indices(self._size)
        self._reads += 1
        if stop - start > _MAX_SLICE_BYTES or self._reads > _MAX_READS:
            raise ValueError("more of the file would be read than a version resource takes")
        return os.pread(self._descriptor, max(0, stop - start), start)


def pe_versions(descriptor: int) -> tuple[str, ...]:
    """Return `ProductVersion`, `FileVersion` and the binary one, whichever there are."""
    try:
        image = pefile.PE(data=_Window(descriptor), fast_load=True)
        image.parse_data_directories(directories=[_RESOURCES])
        return (*_from_strings(image), *_from_numbers(image))
    except _MALFORMED:
        return ()


def _from_strings(image: pefile.PE) -> Iterator[str]:
    named: dict[bytes, bytes] = {}
    for block in getattr(image, "FileInfo", ()):
        for information in block:
            for table in getattr(information, "StringTable", ()):
                named = {**table.entries, **named}
    yield from (named[name].decode("utf-8", "replace") for name in _STRINGS if named.get(name))


def _from_numbers(image: pefile.PE) -> Iterator[str]:
    for fixed in getattr(image, "VS_FIXEDFILEINFO", ())[:1]:
        high, low = int(fixed.FileVersionMS), int(fixed.FileVersionLS)
        parts = (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF)
        if any(parts):
            yield ".".join(str(part) for part in parts)
