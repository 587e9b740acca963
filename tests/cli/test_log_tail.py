"""What is new at the end of a log that one sees only the end of."""

import pytest

from reconciler.cli.log_tail import news


@pytest.mark.parametrize(
    ("before", "now", "new", "whole"),
    [
        ("abc", "abc", "", True),
        ("abc", "bcd", "d", True),
        ("ab", "abcd", "cd", True),
        ("", "ab", "ab", True),
        ("abc", "xyz", "xyz", False),
        ("abc", "", "", False),
        ("aaa", "aaa", "", True),
        ("baa", "aab", "b", True),
    ],
)
def test_as_much_as_can_be_is_taken_for_known(
    before: str, now: str, new: str, *, whole: bool
) -> None:
    assert news(before, now) == ([*new], whole)
