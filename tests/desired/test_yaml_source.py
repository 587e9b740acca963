"""Strict YAML: positions, limits, and nothing but a fault for anything else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.node import Document, find, key_place, to_json
from reconciler.desired.yaml_source import MOST_VALUES, read_yaml
from reconciler.errors import Fault
from reconciler.model.identity import Position


def read(content: bytes | str) -> Document:
    document = read_yaml(content.encode() if isinstance(content, str) else content, "f.yaml")
    assert isinstance(document, Document), document
    return document


def refusal(content: bytes) -> str:
    fault = read_yaml(content, "f.yaml")
    assert isinstance(fault, Fault)
    return str(fault)


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
        (b"[" * 2000 + b"]" * 2000, "f.yaml:1:33: nested deeper than 32 levels"),
        (b"- " * 2000, "f.yaml:1:65: nested deeper than 32 levels"),
        (
            b"-\n" * (MOST_VALUES + 10),
            f"f.yaml:{MOST_VALUES}:2: more than 250,000 values in one file",
        ),
    ],
)
def test_what_cannot_be_read_is_one_fault_with_its_place(content: bytes, message: str) -> None:
    assert refusal(content) == message


def test_an_alias_bomb_costs_nothing() -> None:
    bomb = b"a: &a [x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 107)
    )
    began = time.process_time()

    message = refusal(bomb)

    assert message == "f.yaml:1:4: YAML anchors and aliases are not allowed"
    assert time.process_time() - began < 0.2


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_document_or_a_fault(content: bytes) -> None:
    outcome = read_yaml(content, "f.yaml")

    assert isinstance(outcome, Document | Fault)
    assert "\n" not in str(outcome) or isinstance(outcome, Document)


@given(st.text("abc:-[]{},&*!|>'\"%@`?# \n\t0129.~<", max_size=60))
def test_any_scribble_of_yaml_gives_a_document_or_one_line(content: str) -> None:
    outcome = read_yaml(content.encode(), "f.yaml")

    assert isinstance(outcome, Document) or len(str(outcome).splitlines()) == 1
