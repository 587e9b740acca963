"""Which bytes a `Range` means."""

import pytest

from reconciler.serve.ranges import asks_for_part, part_of


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-4", range(2, 5)),
        ("bytes=5-", range(5, 10)),
        ("bytes=0-9", range(10)),
        ("bytes=0-100", range(10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-30", range(10)),
    ],
)
def test_a_range_means_bytes(asked: str, span: range) -> None:
    assert part_of(asked, 10) == span


@pytest.mark.parametrize(
    "asked",
    [
        *("bytes=10-", "bytes=20-30", "bytes=4-2", "bytes=-0", "bytes=-", "bytes=", "bytes"),
        *("items=0-1", "bytes=0-1,3-4", "bytes=a-b", "bytes=+1-2", "bytes= 1-2", ""),
        *("bytes=\u0661-", "bytes=1-" + "9" * 5000),
    ],
)
def test_what_means_no_bytes_is_unsatisfiable(asked: str) -> None:
    assert part_of(asked, 10) is None


def test_an_empty_object_has_no_part() -> None:
    assert part_of("bytes=0-", 0) is None


@pytest.mark.parametrize("headers", [{}, {"If-Range": '"x"'}])
def test_without_a_range_the_whole_is_asked_for(headers: dict[str, str]) -> None:
    assert not asks_for_part(headers, '"x"')


@pytest.mark.parametrize("other", ['W/"x"', '"y"', "Mon, 23 Nov 2026 12:00:00 GMT"])
def test_a_part_of_other_bytes_is_not_what_is_asked_for(other: str) -> None:
    asked = {"Range": "bytes=0-"}

    assert asks_for_part(asked, '"x"')
    assert asks_for_part(asked | {"If-Range": '"x"'}, '"x"')
    assert not asks_for_part(asked | {"If-Range": other}, '"x"')
