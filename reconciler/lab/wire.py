"""JSON and time as kanade spells them on the wire."""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Document: TypeAlias = dict[str, Json]

_DURATION = re.compile(r"(\d+)\s*([a-zA-Z]+)\s*")
_UNITS = {
    **dict.fromkeys(("nsec", "ns"), 1e-9),
    **dict.fromkeys(("usec", "us"), 1e-6),
    **dict.fromkeys(("millis", "msec", "ms"), 1e-3),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), 1),
    **dict.fromkeys(("minutes", "minute", "min", "mins", "m"), 60),
    **dict.fromkeys(("hours", "hour", "hrs", "hr", "h"), 3600),
    **dict.fromkeys(("days", "day", "d"), 86_400),
    **dict.fromkeys(("weeks", "week", "wks", "wk", "w"), 604_800),
}


def encode(document: Json | Mapping[str, Json]) -> bytes:
    """Return *document* as the compact JSON that kanade writes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes | str) -> Json:
    """Return what *data* says.

    Raises:
        ValueError: it is no JSON.
    """
    value: Json = json.loads(data)
    return value


def document(data: bytes | str) -> Document:
    """Return the JSON object *data*.

    Raises:
        ValueError: it is no JSON object.
    """
    value = decode(data)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - the text is at fault, not the call
    return value


def now() -> str:
    """Return the time, to the nanosecond, in UTC."""
    return spelled(time.time_ns())


def spelled(nanoseconds: int) -> str:
    """Return a time that is given in nanoseconds since 1970."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def instant(text: str) -> datetime:
    """Return the time that *text* says.

    Raises:
        ValueError: it is no RFC 3339 time.
    """
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return parsed.astimezone(UTC)


def sha256(data: bytes) -> str:
    """Return the digest of *data*, as lowercase hex."""
    return hashlib.sha256(data).hexdigest()


def duration(text: str) -> timedelta:
    """Return the time span that *text* spells, such as `1h 30m`.

    Raises:
        ValueError: it is none; the message is the one that kanade gives.
    """
    position, seconds = 0, 0.0
    text = text.strip()
    if not text:
        raise ValueError("value was empty")
    if text == "0":
        return timedelta()
    while position < len(text):
        match = _DURATION.match(text, position)
        if match is None:
            raise ValueError(_fault(text, position))
        if match[2] not in _UNITS:
            raise ValueError(f'unknown time unit "{match[2]}"')
        seconds += int(match[1]) * _UNITS[match[2]]
        position = match.end()
    return timedelta(seconds=seconds)


def _fault(text: str, position: int) -> str:
    if text[position:].isdecimal():
        return f"time unit needed, for example {text}sec or {text}ms"
    return f"expected number at {position}"
