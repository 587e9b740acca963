"""Maintenance windows: whether commands may be sent now, and when that changes.

A window opens at each wall-clock time of its zone that its cron line names, and stays open for
its duration, counted in real time. A time that the change to daylight saving skips opens as much
later; one that comes twice in autumn opens at the first of the two only.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from reconciler.model.policy import Cron, Window, WindowKind

_FARTHEST = 366
"""Days to look ahead for the next opening."""


@lru_cache(maxsize=256)
def shut_until(windows: tuple[Window, ...], now: datetime) -> tuple[bool, datetime | None]:
    """Return whether *windows* forbid a command now, and when it is worth checking again.

    A `deny` window forbids while it is open; with any `allow` window, one of them must be open.
    """
    denied = [_closes_at(window, now) for window in windows if window.kind is WindowKind.DENY]
    ends = [end for end in denied if end is not None]
    if ends:
        return True, max(ends)
    allowing = [window for window in windows if window.kind is WindowKind.ALLOW]
    if not allowing or any(_closes_at(window, now) is not None for window in allowing):
        return False, None
    openings = [opening for window in allowing if (opening := _next_opening(window, now))]
    return True, min(openings, default=None)


def _closes_at(window: Window, now: datetime) -> datetime | None:
    """Return when *window*, open now, closes; `None` when it is shut."""
    zone = ZoneInfo(window.zone)
    first = (now - window.duration).astimezone(zone).date() - timedelta(days=1)
    days = (now.astimezone(zone).date() - first).days + 1
    ends = [
        start + window.duration
        for offset in range(days)
        for start in _openings(window.cron, zone, first + timedelta(days=offset))
        if start <= now < start + window.duration
    ]
    return max(ends, default=None)


def _next_opening(window: Window, now: datetime) -> datetime | None:
    zone = ZoneInfo(window.zone)
    today = now.astimezone(zone).date()
    for offset in range(-1, _FARTHEST):
        for start in _openings(window.cron, zone, today + timedelta(days=offset)):
            if start > now:
                return start
    return None


def _openings(cron: Cron, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Yield the moments of *day* at which *cron* opens, in order, in UTC."""
    if day.month not in cron.months or not _names_day(cron, day):
        return
    for hour in sorted(cron.hours):
        for minute in sorted(cron.minutes):
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            yield local.astimezone(UTC)


def _names_day(cron: Cron, day: date) -> bool:
    by_day = day.day in cron.days
    by_weekday = day.isoweekday() % 7 in cron.weekdays
    return by_day or by_weekday if cron.either_day else by_day and by_weekday
