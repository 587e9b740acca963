"""Which bytes a request asks for: RFC 9110's ranges, a single one at a time, as kanade has it."""

import re
from collections.abc import Mapping

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def asks_for_part(headers: Mapping[str, str], etag: str) -> bool:
    """True for a `Range`, unless its `If-Range` means other bytes than those of *etag*."""
    return "Range" in headers and headers.get("If-Range", etag) == etag


def part_of(asked: str, size: int) -> range | None:
    """Return the bytes that the `Range` *asked* means; `None` where there are none: 416."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None:
        return None
    first, last = match.groups()
    if first:
        span = range(int(first), min(int(last) + 1, size) if last else size)
    else:
        span = range(max(size - int(last or 0), 0), size)
    return span or None
