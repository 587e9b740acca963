"""Time and JSON as kanade spells them."""

from datetime import timedelta

import pytest

from reconciler.lab import wire


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300s", 300),
        ("5m", 300),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("2days 3hours", 183_600),
        ("500ms", 0.5),
        ("0", 0),
    ],
)
def test_a_duration_is_read_as_humantime_reads_it(text: str, seconds: float) -> None:
    assert wire.duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tomorrow", "expected number at 0"),
        ("300", "time unit needed, for example 300sec or 300ms"),
        ("5 parsecs", 'unknown time unit "parsecs"'),
        ("", "value was empty"),
    ],
)
def test_what_is_no_duration_is_named(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault.replace("(", "\\(")):
        wire.duration(text)


def test_a_time_has_nine_digits_and_a_z() -> None:
    text = wire.spelled(1_700_000_000_000_000_005)

    assert text == "2023-11-14T22:13:20.000000005Z"
    assert wire.instant(text).timestamp() == 1_700_000_000


def test_a_time_without_a_zone_is_none() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        wire.instant("2023-11-14T22:13:20")


def test_json_is_compact_and_keeps_its_letters() -> None:
    assert wire.encode({"a": ["é", None]}) == '{"a":["é",null]}'.encode()
