"""Whatever a value holds, the shell reads back that very text and runs none of it."""

import subprocess
from functools import cache

import pytest
import tree_sitter_powershell
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from reconciler.desired.script import CannotRender, render
from reconciler.desired.script_syntax import check_syntax

SH = b"A=''\nprintf '%s\\0' \"$A\"\n"
POWERSHELL = b"$A = ''\nWrite-Output $A\n"

values = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40) | st.text(
    "'\"`$(){};&|<>\\!*?[]~#% a\u2018\u2019\u201a\u201b\u201c\u201d\u201e@-", max_size=20
)


def read_back(texts: list[str]) -> list[str]:
    """Run the rendered scripts in one real shell, and return what each saw in its knob."""
    script = b"".join(render(SH, "x.sh", {"A": text}) for text in texts)
    done = subprocess.run(["sh"], input=script, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=25)
@given(st.lists(values, min_size=1, max_size=40))
def test_a_real_shell_reads_back_any_value(texts: list[str]) -> None:
    assert read_back(texts) == texts


def test_a_real_shell_reads_back_every_printable_ascii_character() -> None:
    texts = [chr(code) for code in range(0x20, 0x7F)]

    assert read_back(texts) == texts


@cache
def parser() -> Parser:
    return Parser(Language(tree_sitter_powershell.language()))


def shape(script: bytes) -> str:
    """Return the syntax tree's kinds of nodes, without their texts."""

    def walk(node: Node) -> str:
        inner = "".join(walk(child) for child in node.named_children)
        return f"({node.type}{'!' if node.is_missing or node.is_error else ''}{inner})"

    return walk(parser().parse(script).root_node)


BENIGN = shape(render(POWERSHELL, "x.ps1", {"A": "benign"}))


@settings(max_examples=300)
@given(values)
def test_powershells_syntax_tree_is_that_of_a_benign_value(text: str) -> None:
    rendered = render(POWERSHELL, "x.ps1", {"A": text})

    assert shape(rendered) == BENIGN
    assert check_syntax(POWERSHELL, rendered, "x.ps1") is None


@pytest.mark.parametrize("quote", ["'", "\u2018", "\u2019", "\u201a", "\u201b"])
def test_every_character_that_powershell_takes_for_a_quote_is_doubled(quote: str) -> None:
    rendered = render(POWERSHELL, "x.ps1", {"A": f"{quote}; Remove-Item x; {quote}"})

    doubled = quote * 2
    assert rendered.decode().startswith(f"$A = '{doubled}; Remove-Item x; {doubled}'\n")


def test_a_rendering_that_breaks_a_script_is_refused_with_its_line() -> None:
    broken = b"$A = ''\nif ($A {\n"

    with pytest.raises(CannotRender) as refusal:
        check_syntax(POWERSHELL, broken, "x.ps1")

    assert str(refusal.value).startswith("x.ps1: does not parse any more with its knobs set")


def test_a_script_that_did_not_parse_before_is_worth_a_warning() -> None:
    broken = b"\xef\xbb\xbf$A = ''\nif ($A {\n"

    warning = check_syntax(broken, broken, "scripts/x.ps1")

    assert warning is not None
    assert warning.startswith("scripts/x.ps1:")


def test_shell_scripts_are_not_looked_at() -> None:
    assert check_syntax(b"if", b"fi", "x.sh") is None
