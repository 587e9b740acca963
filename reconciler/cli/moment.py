"""Times as a person types them: how long, `2h` from now, or a date and time."""

from datetime import datetime, timedelta

import click

from reconciler.desired.durations import EXPECTED, parse_duration
from reconciler.desired.wording import quoted

_EXPECTED = f"expected a duration {EXPECTED}, or a time like 2026-12-24T18:00; found "


def read_duration(
    context: click.Context, option: click.Parameter, value: str | None
) -> timedelta | None:
    """Read an option that takes a length of time; `None` where it was left out.

    Raises:
        BadParameter: it is none.
    """
    length = parse_duration(value) if value is not None else None
    if value is not None and length is None:
        raise click.BadParameter(f"expected a duration {EXPECTED}", context, option)
    return length


def parse_since(text: str, now: datetime) -> datetime:
    """Return the moment that was *text* ago, or the time that it names.

    Raises:
        BadParameter: it names none.
    """
    length = parse_duration(text)
    try:
        return now - length if length is not None else _parse_time(text, now)
    except OverflowError:
        raise click.BadParameter(_EXPECTED + quoted(text)) from None


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment that *text* names; without a zone it is read on this machine's clock.

    Raises:
        BadParameter: it names none, or one that has passed.
    """
    length = parse_duration(text)
    try:
        moment = now + length if length is not None else _parse_time(text, now)
    except OverflowError:
        raise click.BadParameter(_EXPECTED + quoted(text)) from None
    if moment <= now:
        raise click.BadParameter(f"{moment:%Y-%m-%d %H:%M} UTC has passed")
    return moment


def _parse_time(text: str, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        raise click.BadParameter(_EXPECTED + quoted(text)) from None
