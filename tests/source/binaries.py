"""The smallest binaries that say which version they are."""

import json
import struct

_SECTION_AT = 0x200
_LOADED_AT = 0x1000
_LANGUAGE = 0x0409


def windows_binary(
    strings: dict[str, str] | None = None, numbers: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> bytes:
    """Return a PE file whose version resource has *strings* and the binary version *numbers*."""
    resources = _resources(_version_information(strings or {}, numbers))
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    directories = [(0, 0)] * 16
    directories[2] = (_LOADED_AT, len(resources))
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, len(resources), 0, 0, 0)
    optional += struct.pack(
        "<QIIHHHHHHIIIIHH", 0x140000000, 0x1000, 0x200, *([6, 0] * 3), 0, 0x3000, 0x200, 0, 3, 0
    )
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += b"".join(struct.pack("<II", *directory) for directory in directories)
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22)
    size = -(-len(resources) // 0x200) * 0x200
    section = b".rsrc".ljust(8, b"\0") + struct.pack(
        "<IIIIIIHHI", len(resources), _LOADED_AT, size, _SECTION_AT, 0, 0, 0, 0, 0x40000040
    )
    head = dos + b"PE\0\0" + coff + optional + section
    return head.ljust(_SECTION_AT, b"\0") + resources.ljust(size, b"\0")


def linux_binary(metadata: object, *, wide: bool = True, order: str = "<") -> bytes:
    """Return an ELF file with a package metadata note that holds *metadata*."""
    text = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode() + b"\0"
    return elf_with_notes(
        note(b"GNU\0", 3, b"build-id"), note(b"FDO\0", 0xCAFE1A7E, text), wide=wide, order=order
    )


def note(owner: bytes, kind: int, text: bytes, *, order: str = "<") -> tuple[bytes, int, bytes]:
    del order
    return owner, kind, text


def elf_with_notes(*notes: tuple[bytes, int, bytes], wide: bool = True, order: str = "<") -> bytes:
    """Return an ELF file with one segment of code and one of *notes*."""
    body = b"".join(
        struct.pack(f"{order}III", len(owner), len(text), kind) + _padded(owner) + _padded(text)
        for owner, kind, text in notes
    )
    head_size, entry_size = (64, 56) if wide else (52, 32)
    at = head_size + 2 * entry_size
    identity = bytes([0x7F, *b"ELF", 2 if wide else 1, 1 if order == "<" else 2, 1]).ljust(
        16, b"\0"
    )
    word = "Q" if wide else "I"
    head = identity + struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        2,
        62,
        1,
        0,
        head_size,
        0,
        0,
        head_size,
        entry_size,
        2,
        0,
        0,
        0,
    )
    headers = _segment(1, 0, 0, wide=wide, order=order)
    headers += _segment(4, at, len(body), wide=wide, order=order)
    return head + headers + body


def _segment(kind: int, at: int, size: int, *, wide: bool, order: str) -> bytes:
    if wide:
        return struct.pack(f"{order}IIQQQQQQ", kind, 4, at, 0, 0, size, size, 4)
    return struct.pack(f"{order}IIIIIIII", kind, at, 0, 0, size, size, 4, 4)


def _resources(content: bytes) -> bytes:
    """Return a tree of resources with one leaf: type 16, name 1, one language."""
    levels = b""
    for number, key in enumerate((16, 1, _LANGUAGE)):
        below = (number + 1) * 24
        leads_to = below | 0x80000000 if number < 2 else below
        levels += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", key, leads_to)
    data_at = _LOADED_AT + len(levels) + 16
    return levels + struct.pack("<IIII", data_at, len(content), 0, 0) + content


def _version_information(strings: dict[str, str], numbers: tuple[int, int, int, int]) -> bytes:
    major, minor, patch, build = numbers
    high, low = major << 16 | minor, patch << 16 | build
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, high, low, high, low, 0x3F, 0, 4, 1, 0, 0, 0)
    table = b"".join(_block(key, _wide(value), text=True) for key, value in strings.items())
    children = _block("StringFileInfo", b"", _block("040904b0", b"", table)) if strings else b""
    return _block("VS_VERSION_INFO", fixed, children)


def _block(key: str, value: bytes, children: bytes = b"", *, text: bool = False) -> bytes:
    head = _padded(b"\0" * 6 + _wide(key))
    body = _padded(head[6:] + value, 6) + children
    count = len(value) // 2 if text else len(value)
    kind = 0 if key == "VS_VERSION_INFO" else 1
    return _padded(struct.pack("<HHH", 6 + len(body), count, kind) + body)


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def _padded(content: bytes, before: int = 0) -> bytes:
    return content + b"\0" * (-(len(content) + before) % 4)
