"""Lengths of time as people write them: ours, and the wider way of kanade's own manifests."""

import re
from datetime import timedelta

_OURS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_KANADE = re.compile(r"\s*(\d+)\s*([a-zA-Z]+)", re.ASCII)
_LONGEST_TEXT = 40
_LONGEST_NUMBER = 9
_NAMES_BY_SECONDS = {
    1e-9: "ns nsec nanos",
    1e-6: "us usec",
    1e-3: "ms msec millis",
    1: "s sec secs second seconds",
    60: "m min mins minute minutes",
    3600: "h hr hrs hour hours",
    86400: "d day days",
    604800: "w week weeks",
    2630016: "M month months",
    31557600: "y year years",
}
_SECONDS = {name: unit for unit, names in _NAMES_BY_SECONDS.items() for name in names.split()}

EXPECTED = "like 90s, 5m, 1h30m or 7d"


def parse_duration(text: str) -> timedelta | None:
    """Read `90s`, `5m`, `24h`, `1h30m`; `None` for anything else, spaces and signs included."""
    if not text or len(text) > _LONGEST_TEXT:
        return None
    match = _OURS.fullmatch(text)
    if match is None or any(part and len(part) > _LONGEST_NUMBER for part in match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return _bounded(days * 86400 + hours * 3600 + minutes * 60 + seconds)


def parse_kanade_duration(text: str) -> timedelta | None:
    """Read what kanade takes for `timeout`: `300s`, `1h 30m`, `5 minutes`.

    kanade: the humantime crate, any number of `<integer><unit>` with blanks between them.
    """
    if len(text) > _LONGEST_TEXT:
        return None
    total, end = 0.0, 0
    for match in _KANADE.finditer(text):
        number, unit = match.groups()
        if match.start() != end or unit not in _SECONDS or len(number) > _LONGEST_NUMBER:
            return None
        total += int(number) * _SECONDS[unit]
        end = match.end()
    if end == 0 or text[end:].strip():
        return None
    return _bounded(total)


def spell_duration(length: timedelta) -> str:
    """Return the shortest spelling that `parse_duration` reads back."""
    rest = int(length.total_seconds())
    parts: list[str] = []
    for seconds, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _bounded(seconds: float) -> timedelta | None:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return None
