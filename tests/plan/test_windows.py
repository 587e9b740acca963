"""Windows: open and shut at the right moments, also when clocks change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.cron import parse_cron
from reconciler.model.policy import Cron, Window, WindowKind
from reconciler.plan.windows import shut_until


def window(cron: str, duration: timedelta, *, zone: str = "UTC", deny: bool = False) -> Window:
    parsed = parse_cron(cron)
    assert isinstance(parsed, Cron), parsed
    kind = WindowKind.DENY if deny else WindowKind.ALLOW
    return Window(kind=kind, cron=parsed, duration=duration, zone=zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHT = window("0 22 * * 1-5", timedelta(hours=4))


@pytest.mark.parametrize(
    ("now", "shut"),
    [
        ("2026-11-23 21:59:59", True),
        ("2026-11-23 22:00:00", False),
        ("2026-11-24 01:59:59", False),
        ("2026-11-24 02:00:00", True),
        ("2026-11-28 01:00:00", False),
        ("2026-11-28 23:00:00", True),
    ],
    ids=["before", "opens", "past midnight", "shuts", "friday's into saturday", "saturday"],
)
def test_an_allow_window_shuts_everything_outside_of_it(now: str, *, shut: bool) -> None:
    assert shut == shut_until((NIGHT,), utc(now))[0]


def test_a_shut_window_says_when_it_opens() -> None:
    assert (True, utc("2026-11-23 22:00")) == shut_until((NIGHT,), utc("2026-11-23 12:00"))


def test_over_the_weekend_the_next_opening_is_mondays() -> None:
    assert (True, utc("2026-11-30 22:00")) == shut_until((NIGHT,), utc("2026-11-28 12:00"))


def test_a_deny_window_wins_over_an_allow_window_and_says_when_it_ends() -> None:
    freeze = window("0 23 * * *", timedelta(hours=1), deny=True)

    found = shut_until((NIGHT, freeze), utc("2026-11-23 23:30"))

    assert (True, utc("2026-11-24 00:00")) == found


def test_without_windows_all_is_open() -> None:
    assert shut_until((), utc("2026-11-23 12:00")) == (False, None)


def test_a_window_follows_its_zone_through_the_change_to_winter_time() -> None:
    """22:00 in Berlin is 20:00 UTC in summer and 21:00 in winter."""
    berlin = window("0 22 * * *", timedelta(hours=1), zone="Europe/Berlin")

    assert not shut_until((berlin,), utc("2026-10-24 20:30"))[0]
    assert shut_until((berlin,), utc("2026-10-25 20:30"))[0]
    assert not shut_until((berlin,), utc("2026-10-25 21:30"))[0]


def test_a_time_that_spring_skips_opens_as_much_later() -> None:
    """On 2026-03-29 Berlin has no 02:30; the window opens at 03:30, which is 01:30 UTC."""
    berlin = window("30 2 * * *", timedelta(minutes=30), zone="Europe/Berlin")

    assert shut_until((berlin,), utc("2026-03-29 01:29"))[0]
    assert not shut_until((berlin,), utc("2026-03-29 01:31"))[0]
    assert shut_until((berlin,), utc("2026-03-29 02:01"))[0]


def test_a_time_that_autumn_has_twice_opens_at_the_first() -> None:
    """On 2026-10-25 Berlin has 02:30 at 00:30 UTC and again at 01:30 UTC."""
    berlin = window("30 2 * * *", timedelta(minutes=30), zone="Europe/Berlin")

    assert not shut_until((berlin,), utc("2026-10-25 00:45"))[0]
    assert shut_until((berlin,), utc("2026-10-25 01:45"))[0]


def test_a_window_that_never_comes_is_shut_without_an_end() -> None:
    monthly = window("0 0 1 * *", timedelta(hours=1))
    never = replace(monthly.cron, days=frozenset({31}), months=frozenset({2}))

    found = shut_until((replace(monthly, cron=never),), utc("2026-11-23 12:00"))

    assert found == (True, None)


def test_a_window_over_the_change_to_summer_time_lasts_its_whole_duration() -> None:
    """Open from 01:00 in Berlin for 4 h of real time: until 06:00 there, on a day without 02:00."""
    berlin = window("0 1 * * *", timedelta(hours=4), zone="Europe/Berlin")

    assert shut_until((berlin,), utc("2026-03-28 23:59"))[0]
    assert not shut_until((berlin,), utc("2026-03-29 00:00"))[0]
    assert not shut_until((berlin,), utc("2026-03-29 03:59"))[0]
    assert shut_until((berlin,), utc("2026-03-29 04:00"))[0]


def test_a_window_over_the_change_to_winter_time_lasts_its_whole_duration() -> None:
    """Open from 01:00 in Berlin for 4 h of real time: until 04:00 there, with 02:00 twice."""
    berlin = window("0 1 * * *", timedelta(hours=4), zone="Europe/Berlin")

    assert not shut_until((berlin,), utc("2026-10-25 02:59"))[0]
    assert shut_until((berlin,), utc("2026-10-25 03:00"))[0]


def test_a_deny_window_over_the_change_to_summer_time_ends_on_time() -> None:
    berlin = window("0 1 * * *", timedelta(hours=4), zone="Europe/Berlin", deny=True)

    assert (True, utc("2026-03-29 04:00")) == shut_until((berlin,), utc("2026-03-29 01:30"))


@given(
    minutes=st.integers(0, 366 * 24 * 60),
    hour=st.integers(0, 23),
    hours=st.integers(1, 30),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"]),
    deny=st.booleans(),
)
def test_what_is_said_of_the_next_change_is_true(
    minutes: int, hour: int, hours: int, zone: str, *, deny: bool
) -> None:
    """Shut until then, and at that moment open, whatever clocks do in between."""
    moment = utc("2026-01-01") + timedelta(minutes=minutes)
    daily = window(f"30 {hour} * * *", timedelta(hours=hours), zone=zone, deny=deny)

    shut, until = shut_until((daily,), moment)

    if shut and until is not None:
        assert until > moment
        assert shut_until((daily,), until - timedelta(seconds=1))[0]
        assert not shut_until((daily,), until)[0] or (deny and hours >= 23)
