"""Waves as squares: each host has its own, until there are too many to see."""

from collections import Counter

from reconciler.serve.page.picture import COLUMNS, PITCH, picture
from tests.serve.controls import NEW, host, many, rollout


def test_each_host_has_a_square_of_its_own() -> None:
    drawn = picture(rollout())

    assert (len(drawn.squares), drawn.each) == (24, 1)
    assert len({(one.x, one.y) for one in drawn.squares}) == 24
    assert max(one.x for one in drawn.squares) == (COLUMNS - 1) * PITCH
    assert (drawn.width, drawn.height) == (10 * PITCH, 3 * PITCH)


def test_a_square_is_filled_once_the_wanted_version_runs() -> None:
    hosts = [host("a", "running"), host("b", "running", running=NEW), host("c", "converged")]

    assert [(one.state, one.is_new) for one in picture(hosts).squares] == [
        ("converged", True),
        ("running", False),
        ("running", True),
    ]


def test_in_a_large_wave_a_square_stands_for_several_and_no_state_is_lost() -> None:
    hosts = [host(f"pc-{number}", "converged") for number in range(9_999)]
    drawn = picture([*hosts, host("pc-x", "failed")])

    assert Counter(one.state for one in drawn.squares) == {"converged": 100, "failed": 1}
    assert drawn.each == 100
    assert drawn.squares[-1].title == "1 host: failed, another version"


def test_the_same_hosts_are_always_drawn_the_same() -> None:
    hosts = many(500)

    assert picture(hosts) == picture(hosts[::-1])


def test_a_wave_without_hosts_is_empty() -> None:
    assert picture([]).squares == []
