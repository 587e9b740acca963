"""The five fields of a window's cron line, read into sets."""

import re

from reconciler.model.policy import Cron

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_LONGEST = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1))
_ITEM = re.compile(r"(\*|\w{1,3})(?:-(\w{1,3}))?(?:/(\d{1,2}))?", re.ASCII)
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _WEEKDAYS),
)


def parse_cron(text: str) -> Cron | str:
    """Return the times that *text* names, or what is wrong with it."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"{len(fields)} fields; expected 5: minute hour day month weekday"
    values: list[frozenset[int]] = []
    for (name, low, high, names), field in zip(_FIELDS, fields, strict=True):
        read = _field(field, low, high, tuple(names))
        if read is None:
            return (
                f"{name} {field!a} is not understood; expected {low} to {high}, *, a-b, a,b or */n"
            )
        values.append(read)
    minutes, hours, days, months, weekdays = values
    either_day = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either_day and min(days) > max(_LONGEST[month] for month in months):
        return f"never comes: day {min(days)} is in no month of {fields[3]}"
    return Cron(
        text=" ".join(fields),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=either_day,
    )


def _field(field: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int] | None:
    found: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            return None
        values = _item(match, low, high, names)
        if not values:
            return None
        found.update(values)
    return frozenset(found)


def _item(match: re.Match[str], low: int, high: int, names: tuple[str, ...]) -> range | None:
    first, last, step = match.groups()
    if first == "*":
        bounds = None if last else (low, high)
    else:
        start = _number(first, names, low)
        end = _number(last, names, low) if last else (high if step else start)
        bounds = (start, end) if start is not None and end is not None else None
    if bounds is None or not low <= bounds[0] <= bounds[1] <= high:
        return None
    width = int(step) if step is not None else 1
    return range(bounds[0], bounds[1] + 1, width) if width else None


def _number(text: str, names: tuple[str, ...], low: int) -> int | None:
    if text.isdigit():
        return int(text)
    lowered = text.lower()
    return names.index(lowered) + low if lowered in names else None
