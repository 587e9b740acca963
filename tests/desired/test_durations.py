"""Lengths of time in two spellings."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.durations import parse_duration, parse_kanade_duration, spell_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("24h", 86400), ("1h30m", 5400), ("7d", 604800), ("0s", 0)],
)
def test_ours_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 m",
        "m",
        "-5m",
        "+5m",
        "5M",
        "5m1h",
        "1.5h",
        "\u0665m",
        "5m\n",
        "9" * 50 + "s",
        "1w",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300s", 300), ("1h 30m", 5400), ("5 minutes", 300), ("2days", 172800), (" 1min 1s ", 61)],
)
def test_kanades_are_read_as_kanade_reads_them(text: str, seconds: int) -> None:
    assert parse_kanade_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "five", "5 parsecs", "5s x", "-1s", "1.5s", "5s,", "\u0665s"]
)
def test_what_kanade_would_refuse_is_refused(text: str) -> None:
    assert parse_kanade_duration(text) is None


@given(st.integers(0, 10**8))
def test_a_spelled_duration_is_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)

    assert parse_duration(spell_duration(length)) == length


@given(st.text(max_size=60))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    assert isinstance(parse_duration(text), timedelta | None)
    assert isinstance(parse_kanade_duration(text), timedelta | None)
