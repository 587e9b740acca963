"""`{version}` and its kin."""

import pytest

from reconciler.desired.placeholders import fill, placeholder_fault

VALUES = {"version": "1.2.3", "name": "tool", "package": "tool", "sha256": "ab"}


def test_known_placeholders_are_filled_in() -> None:
    assert fill("{package} {version}, {package}", VALUES) == "tool 1.2.3, tool"


@pytest.mark.parametrize(
    "text", ["{", "}", "{}", "{ version }", "{3F25-11}", '{"a": 1}', "a{b", "${x-y}"]
)
def test_braces_around_anything_but_a_word_are_text(text: str) -> None:
    assert placeholder_fault(text, VALUES) is None
    assert fill(text, VALUES) == text


def test_an_unknown_placeholder_is_named() -> None:
    assert placeholder_fault("a {vesion}", VALUES) == (
        "unknown placeholder 'vesion'; did you mean version?"
    )


def test_double_braces_are_another_language() -> None:
    assert placeholder_fault("{{version}}", VALUES) == (
        "{{version}} is not understood; write {version}, with single braces"
    )
