"""Which of two versions is the later one, where that can be told."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.identity import Version
from reconciler.model.version import is_older

_RISING = [
    "0.9",
    "0.42.2",
    "0.43.0-alpha",
    "0.43.0-alpha.1",
    "0.43.0-alpha.2",
    "0.43.0-alpha.11",
    "0.43.0-alpha.beta",
    "0.43.0-beta",
    "0.43.0",
    "0.101.0",
    "1.9",
    "v1.10",
    "1.10.0.1",
    "20",
]


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(_RISING)))
def test_versions_rise_as_semver_says(earlier: str, later: str) -> None:
    assert is_older(Version(earlier), Version(later))
    assert not is_older(Version(later), Version(earlier))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1.2", "1.2.0"),
        ("v1.2.0", "1.2.0"),
        ("1.2.0+build.7", "1.2.0"),
        ("1.2.0-rc.1+a", "1.2.0-rc.1+b"),
        ("01.2", "1.2"),
    ],
)
def test_what_means_the_same_is_not_older_either_way(left: str, right: str) -> None:
    assert not is_older(Version(left), Version(right))
    assert not is_older(Version(right), Version(left))


@pytest.mark.parametrize("odd", ["", "nightly", "1.x", "1..2", "1.2-", "\u0661.2", "1.2\n", "-1.0"])
def test_what_has_no_order_is_never_older(odd: str) -> None:
    assert not is_older(Version(odd), Version("9.9.9"))
    assert not is_older(Version("0.0.1"), Version(odd))


@given(st.lists(st.integers(0, 99), min_size=1, max_size=5), st.integers(0, 4))
def test_one_more_anywhere_is_later(numbers: list[int], place: int) -> None:
    place %= len(numbers)
    higher = [*numbers[:place], numbers[place] + 1]

    def spelled(parts: list[int]) -> Version:
        return Version(".".join(map(str, parts)))

    assert is_older(spelled(numbers), spelled(higher))
    assert not is_older(spelled(higher), spelled(numbers))
