"""The package metadata note of a Linux binary (systemd's ELF_PACKAGE_METADATA), if it has one."""

import json
import os
import struct
from collections.abc import Iterator

_PT_NOTE = 4
_FDO_PACKAGING = 0xCAFE1A7E
_OWNER = b"FDO\0"
_MAX_HEADERS = 512
_MAX_NOTES_BYTES = 64 * 1024
_HEADER_BYTES = 64


def elf_version(descriptor: int) -> str | None:
    """Return the note's `version`; `None` when there is no sound note."""
    try:
        for notes in _note_segments(descriptor):
            for owner, kind, text in _notes(*notes):
                if owner == _OWNER and kind == _FDO_PACKAGING:
                    return _version(text)
    except (struct.error, LookupError, ValueError, OverflowError, OSError, RecursionError):
        return None
    return None


def _note_segments(descriptor: int) -> Iterator[tuple[bytes, str]]:
    """Yield the bytes of each segment of notes, with the byte order they are in."""
    head = os.pread(descriptor, _HEADER_BYTES, 0)
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    if wide:
        (start,) = struct.unpack_from(f"{order}Q", head, 32)
        size, count = struct.unpack_from(f"{order}HH", head, 54)
    else:
        (start,) = struct.unpack_from(f"{order}I", head, 28)
        size, count = struct.unpack_from(f"{order}HH", head, 42)
    for index in range(min(count, _MAX_HEADERS)):
        header = os.pread(descriptor, size, start + index * size)
        if struct.unpack_from(f"{order}I", header)[0] == _PT_NOTE:
            offset, length = _extent(header, order, wide=wide)
            yield os.pread(descriptor, min(length, _MAX_NOTES_BYTES), offset), order


def _extent(header: bytes, order: str, *, wide: bool) -> tuple[int, int]:
    if wide:
        (offset,) = struct.unpack_from(f"{order}Q", header, 8)
        (length,) = struct.unpack_from(f"{order}Q", header, 32)
    else:
        (offset,) = struct.unpack_from(f"{order}I", header, 4)
        (length,) = struct.unpack_from(f"{order}I", header, 16)
    return offset, length


def _notes(data: bytes, order: str) -> Iterator[tuple[bytes, int, bytes]]:
    at = 0
    while at + 12 <= len(data):
        name_size, text_size, kind = struct.unpack_from(f"{order}III", data, at)
        name_at = at + 12
        text_at = name_at + _aligned(name_size)
        yield data[name_at : name_at + name_size], kind, data[text_at : text_at + text_size]
        at = text_at + _aligned(text_size)


def _aligned(size: int) -> int:
    return (size + 3) & ~3


def _version(text: bytes) -> str | None:
    found: object = json.loads(text.rstrip(b"\0").decode("utf-8"))
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None
