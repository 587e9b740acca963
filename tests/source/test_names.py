"""Which names the files of a desired state may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.source.names import objection, shown


@pytest.mark.parametrize(
    "name",
    [
        "a.yaml",
        "größe.yaml",
        ".gitignore",
        "a b",
        "日本語",
        "console.yaml",
        "com10",
        "a" * 255,
        "a'b",
    ],
)
def test_a_name_that_any_machine_can_hold_is_allowed(name: str) -> None:
    assert objection(name) is None


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("a\nb.yaml", "control character U+000A at 2 of its name is not allowed"),
        ("\x1b[31m", "control character U+001B at 1 of its name is not allowed"),
        ("a\x7f", "control character U+007F at 2 of its name is not allowed"),
        ("a\x85", "control character U+0085 at 2 of its name is not allowed"),
        ("\u202eab", "character U+202E at 1 of its name is not allowed"),
        ("a\u2028b", "character U+2028 at 2 of its name is not allowed"),
        ("a\ufeff", "character U+FEFF at 2 of its name is not allowed"),
        ("a\udce9", "byte 0xE9, which is not UTF-8, at 2 of its name is not allowed"),
        ("a\\b", "backslash at 2 of its name is not allowed"),
        ("a:b", "colon at 2 of its name is not allowed"),
        ("..", "'.', '..' and an empty name are not allowed"),
        (".", "'.', '..' and an empty name are not allowed"),
        ("", "'.', '..' and an empty name are not allowed"),
        (".git", "the name is git's own"),
        (".GiT", "the name is git's own"),
        ("-rf", "a name may not begin with '-'"),
        ("--upload-pack=x", "a name may not begin with '-'"),
        ("a.", "a name may not end with a dot or a space"),
        ("a ", "a name may not end with a dot or a space"),
        ("CON", "the name is a device on Windows"),
        ("aux.yaml", "the name is a device on Windows"),
        ("Com1.tar.gz", "the name is a device on Windows"),
        ("LPT¹", "the name is a device on Windows"),
        ("e\u0301", "the name is not in composed form"),
        ("ä" * 128, "the name is longer than 255 bytes"),
    ],
)
def test_any_other_name_is_objected_to(name: str, complaint: str) -> None:
    assert complaint == objection(name)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("jobs/a b.yaml", "jobs/a b.yaml"),
        ("größe", "größe"),
        ("a\nb.yaml", '"a\\nb.yaml"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("a\udce9", '"a\\udce9"'),
        ("", '""'),
    ],
)
def test_a_path_is_shown_so_that_a_terminal_does_nothing_else(path: str, expected: str) -> None:
    assert expected == shown(path)


@given(st.binary(max_size=40))
def test_whatever_the_bytes_it_is_shown_on_one_printable_line(name: bytes) -> None:
    line = shown(name.decode("utf-8", "surrogateescape"))

    assert line.isprintable()
    line.encode()
