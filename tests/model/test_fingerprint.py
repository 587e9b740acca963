"""Ids that must be the same for ever: another value installs or sends everything once more."""

from dataclasses import replace

import pytest

from reconciler.model.attempt import Purpose, Wish
from reconciler.model.fingerprint import canonical, fingerprint, wish_id
from reconciler.model.identity import Fingerprint, HostName, Json, ReleaseName

WISH = Wish(
    release=ReleaseName("kanade-backend"),
    host=HostName("backend-01"),
    fingerprint=Fingerprint("f" * 64),
    purpose=Purpose.INSTALL,
    cause="result-7",
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, 1.5]}, b'{"a":[true,null,1.5],"b":1}'),
        ({"é": "\u65e5\u672c"}, '{"é":"日本"}'.encode()),
        ({"a": {"z": "", "y": {}}}, b'{"a":{"y":{},"z":""}}'),
        ([], b"[]"),
    ],
)
def test_a_value_has_one_spelling(value: Json, expected: bytes) -> None:
    assert canonical(value) == expected


def test_a_fingerprint_is_pinned() -> None:
    found = fingerprint({"version": "0.43.0", "package": "kanade-backend", "knobs": {"b": "2"}})

    assert found == "049102f0edbf8db7599d6ba5ec9c231fde0a3ec2d6ed6fcdf6f746c577640e1a"


def test_the_order_of_the_parts_does_not_matter_and_their_values_do() -> None:
    parts: dict[str, Json] = {"a": "1", "b": {"c": 2, "d": 3}}
    turned: dict[str, Json] = {"b": {"d": 3, "c": 2}, "a": "1"}

    assert fingerprint(parts) == fingerprint(turned)
    assert fingerprint(parts) != fingerprint({**parts, "a": 1})


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (WISH, "16daeb4e-f65e-577d-b327-35621b82a72d"),
        (replace(WISH, purpose=Purpose.PROBE, cause=""), "a192dc7f-37c0-5366-93e9-75a27118c951"),
    ],
)
def test_the_id_of_a_wish_is_pinned(wish: Wish, expected: str) -> None:
    assert wish_id(wish) == expected


@pytest.mark.parametrize(
    "other",
    [
        replace(WISH, release=ReleaseName("kanade")),
        replace(WISH, host=HostName("Backend-01")),
        replace(WISH, fingerprint=Fingerprint("e" * 64)),
        replace(WISH, purpose=Purpose.PROBE),
        replace(WISH, cause="result-8"),
        replace(WISH, cause=""),
    ],
)
def test_every_part_of_a_wish_makes_it_another_one(other: Wish) -> None:
    assert wish_id(other) != wish_id(WISH)


def test_parts_do_not_run_into_each_other() -> None:
    left = replace(WISH, release=ReleaseName('a","b'), host=HostName("c"))
    right = replace(WISH, release=ReleaseName("a"), host=HostName('b","c'))

    assert wish_id(left) != wish_id(right)
