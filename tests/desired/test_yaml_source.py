"""Strict YAML: positions, limits, and nothing but a fault for anything else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.node import Document, doubts, find, key_place, to_json
from reconciler.desired.yaml_source import MOST_FAULTS, MOST_VALUES, read_yaml
from reconciler.model.identity import Position


def read(content: bytes | str) -> Document:
    reading = read_yaml(content.encode() if isinstance(content, str) else content, "f.yaml")
    assert reading.document is not None, reading
    assert reading.faults == ()
    return reading.document


def refusals(content: bytes) -> list[str]:
    return [str(fault) for fault in read_yaml(content, "f.yaml").faults]


def test_every_value_and_key_knows_its_place() -> None:
    root = read("a: 1\nb:\n  - {c: ö, d: 'e'}\n").root

    value = find(root, ("b", 0, "d"))

    assert value is not None
    assert value.position == Position("f.yaml", 3, 15)
    assert key_place(root, ("b", 0, "d")) == Position("f.yaml", 3, 12)


def test_only_null_booleans_and_decimal_numbers_are_not_text() -> None:
    written = "a: ~\nb: true\nc: 12\nd: 1.5\ne: no\nf: 0x1F\ng: 1e3\nh: 010\ni: .5\nj: '7'\n"

    assert to_json(read(written).root) == {
        "a": None,
        "b": True,
        "c": 12,
        "d": 1.5,
        "e": "no",
        "f": "0x1F",
        "g": "1e3",
        "h": "010",
        "i": ".5",
        "j": "7",
    }


@pytest.mark.parametrize(
    ("written", "taken_for"),
    [
        ("no", "the boolean false"),
        ("On", "the boolean true"),
        ("010", "a number"),
        ("12:30:45", "a number"),
        ("2026-01-02", "a date"),
        ("backend", ""),
        ("1.2.3", ""),
        ('"no"', ""),
    ],
)
def test_what_older_readers_take_for_something_else_is_marked(written: str, taken_for: str) -> None:
    node = find(read(f"a: {written}").root, ("a",))

    assert node is not None
    assert node.misread == taken_for


def test_a_byte_order_mark_is_no_character_of_the_first_line() -> None:
    document = read(b"\xef\xbb\xbfa: 1")

    assert document.position == Position("f.yaml", 1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ä: \xff".encode("latin-1"), "f.yaml:1:1: not valid UTF-8 at byte 1; save it as UTF-8"),
        (b"a: 1\nb: \xe9", "f.yaml:2:4: not valid UTF-8 at byte 9; save it as UTF-8"),
        (
            "a: 1".encode("utf-16"),
            "f.yaml:1:1: not valid UTF-8 at byte 1: this is UTF-16; save it as UTF-8",
        ),
        (
            "a: 1".encode("utf-16-le"),
            "f.yaml:1:1: not valid UTF-8 at byte 1: this is UTF-16; save it as UTF-8",
        ),
        (
            "a: 1".encode("utf-16-be"),
            "f.yaml:1:1: not valid UTF-8 at byte 1: this is UTF-16; save it as UTF-8",
        ),
        (
            "a: 1".encode("utf-32"),
            "f.yaml:1:1: not valid UTF-8 at byte 1: this is UTF-32; save it as UTF-8",
        ),
        (
            "a: 1".encode("utf-32-be"),
            "f.yaml:1:1: not valid UTF-8 at byte 1: this is UTF-32; save it as UTF-8",
        ),
        (b"[" * 2000 + b"]" * 2000, "f.yaml:1:33: nested deeper than 32 levels"),
        (b"- " * 2000, "f.yaml:1:65: nested deeper than 32 levels"),
        (
            b"-\n" * (MOST_VALUES + 10),
            f"f.yaml:{MOST_VALUES}:2: more than 250,000 values in one file",
        ),
    ],
)
def test_what_cannot_be_read_is_one_fault_with_its_place(content: bytes, message: str) -> None:
    assert refusals(content) == [message]


def test_an_alias_bomb_costs_nothing() -> None:
    """What is refused is named, alias by alias it is not followed, nor told."""
    bomb = b"a: &a [x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 107)
    )
    began = time.process_time()

    told = refusals(bomb)

    assert told[0] == "f.yaml:1:4: YAML anchors and aliases are not allowed"
    assert len(told) == 10
    assert time.process_time() - began < 0.2


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_document_or_a_fault(content: bytes) -> None:
    outcome = read_yaml(content, "f.yaml")

    assert outcome.document is not None or outcome.faults
    assert all("\n" not in str(fault) for fault in outcome.faults)


@given(st.text("abc:-[]{},&*!|>'\"%@`?# \n\t0129.~<", max_size=60))
def test_any_scribble_of_yaml_gives_a_document_or_faults_of_one_line(content: str) -> None:
    outcome = read_yaml(content.encode(), "f.yaml")

    assert outcome.document is not None or outcome.faults
    assert all(len(str(fault).splitlines()) == 1 for fault in outcome.faults)


def test_what_is_refused_costs_no_more_than_its_own_value() -> None:
    written = b"a: !x [1]\nb: 1\nb: &b 2\nc: {<<: *b, d: 3}\ne: [*b, 4]\n? [f]\n: *b\n"

    reading = read_yaml(written, "f.yaml")

    assert [str(fault).removeprefix("f.yaml:") for fault in reading.faults] == [
        '1:4: tag "!x" is not allowed; leave it out',
        "3:4: YAML anchors and aliases are not allowed",
        '3:1: duplicate key "b": it is at line 2 already',
        "4:5: YAML merge keys (<<) are not allowed",
        "6:3: a key must be text, not a list or a mapping",
    ]
    assert reading.document is not None
    root = reading.document.root
    assert to_json(root) == {"a": None, "b": None, "c": {"d": 3}, "e": [None, 4]}
    assert set(doubts(root)) == {(), ("a",), ("b",), ("c",), ("e",), ("e", 0)}


def test_a_file_full_of_refusals_is_told_up_to_a_limit() -> None:
    assert len(refusals(b"- !x y\n" * 5000)) == MOST_FAULTS
