"""The reference is what the code says today."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate.pages import pages
from docs.generate.reasons import EVENTS, HOSTS, RELEASES, STEPS
from reconciler.model.failure import FailureClass

_ROOT = Path(__file__).resolve().parents[2]
_REFERENCE = _ROOT / "docs" / "reference"
_WORD = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)+")
_TOLD_BY = ("plan", "status/conditions.py")


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_is_current(name: str) -> None:
    written = (_REFERENCE / name).read_text("utf-8")

    assert written == pages()[name], "run: make docs"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in _REFERENCE.iterdir()} == set(pages())


def test_every_reason_that_the_code_gives_is_explained() -> None:
    explained = {*RELEASES, *HOSTS, *STEPS, *EVENTS, *map(str, FailureClass)}

    assert set(words()) - explained == set()


def test_no_reason_is_explained_that_nobody_gives() -> None:
    text = "".join(path.read_text("utf-8") for path in (_ROOT / "reconciler").rglob("*.py"))

    unknown = [word for word in (*RELEASES, *HOSTS, *STEPS) if f'"{word}"' not in text]
    assert unknown == []


def words() -> Iterator[str]:
    """Yield every reason in the source of planner and conditions."""
    for place in _TOLD_BY:
        path = _ROOT / "reconciler" / place
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from [node.value] if _WORD.fullmatch(node.value) else []
