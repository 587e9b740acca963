"""A window's five fields."""

import pytest

from reconciler.desired.cron import parse_cron
from reconciler.model.policy import Cron


def read(text: str) -> Cron:
    cron = parse_cron(text)
    assert isinstance(cron, Cron), cron
    return cron


def test_every_field_is_a_set_of_values() -> None:
    cron = read("0,30 9-17/4 1 jan-MAR 1-5")

    assert cron.minutes == {0, 30}
    assert cron.hours == {9, 13, 17}
    assert cron.days == {1}
    assert cron.months == {1, 2, 3}
    assert cron.weekdays == {1, 2, 3, 4, 5}


def test_sunday_is_0_and_7() -> None:
    assert read("0 0 * * 7").weekdays == read("0 0 * * sun").weekdays == {0}


def test_a_step_begins_at_the_lowest_value() -> None:
    assert read("*/20 * */10 * *").minutes == {0, 20, 40}
    assert read("*/20 * */10 * *").days == {1, 11, 21, 31}
    assert read("5/20 * * * *").minutes == {5, 25, 45}


@pytest.mark.parametrize(
    ("text", "is_so"), [("0 0 1 * 1", True), ("0 0 * * 1", False), ("0 0 1 * *", False)]
)
def test_two_limited_days_are_alternatives(text: str, is_so: bool) -> None:  # noqa: FBT001 -- a table
    assert read(text).either_day is is_so


@pytest.mark.parametrize(
    "text",
    ["", "0 0 * *", "0 0 * * * *", "60 0 * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *",
     "0 0 * * 8", "5-1 * * * *", "*/0 * * * *", "*-5 * * * *", "a * * * *", "1,,2 * * * *",
     "-1 * * * *", "@daily", "0 0 * foo *", "٣ * * * *"],
)  # fmt: skip
def test_anything_else_is_refused_in_words(text: str) -> None:
    assert isinstance(parse_cron(text), str)
