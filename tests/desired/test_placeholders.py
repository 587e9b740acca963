"""`{version}` and its kin."""

import pytest

from reconciler.desired.placeholders import fill, placeholder_fault

VALUES = {"version": "1.2.3", "name": "tool", "package": "tool", "sha256": "ab"}


def test_known_placeholders_are_filled_in() -> None:
    assert fill("{package} {version}, {package}", VALUES) == "tool 1.2.3, tool"


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{3F25-11}", "{A1B2C3D4-ABCD}", '{"a": 1}', '{ "a": {"b": true} }', "${x-y}"],
)
def test_braces_around_anything_but_a_word_are_text(text: str) -> None:
    assert placeholder_fault(text, VALUES) is None
    assert fill(text, VALUES) == text


def test_an_unknown_placeholder_is_named() -> None:
    assert placeholder_fault("a {vesion}", VALUES) == (
        "unknown placeholder 'vesion'; did you mean version?"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{version", "{version"),
        ("{ version }", "{ version }"),
        ("a{b", "{b"),
        ("tool version}", "tool version}"),
        ("{version, 1}", "{version, 1}"),
        ("{{ version }}", "{{ version }}"),
        ("{{", "{{"),
        ("{package} {{.Version}}", "{{.Version}}"),
    ],
)
def test_what_was_meant_for_a_placeholder_is_not_left_over(text: str, shown: str) -> None:
    assert placeholder_fault(text, VALUES) == (
        f'"{shown}" is no placeholder; they are {{name}}, {{package}}, {{sha256}}, {{version}}'
    )


def test_a_reference_in_quotes_is_a_text() -> None:
    assert placeholder_fault("{secret: tool-token}", VALUES) == (
        "{secret: tool-token} is a text in quotes; write it without them"
    )


def test_a_brace_too_many_is_not_kept() -> None:
    assert placeholder_fault("{version}}", VALUES) == (
        "{version}} is not understood; write {version}, with single braces"
    )


def test_double_braces_are_another_language() -> None:
    assert placeholder_fault("{{version}}", VALUES) == (
        "{{version}} is not understood; write {version}, with single braces"
    )
