"""The table of bad inputs: whole, in order, and all that it names exists."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TABLE = (Path(__file__).parent / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| (B\d+) \|(.*)$", TABLE, re.MULTILINE)
NAMED = re.findall(r"`(tests/[^`:]+)::([^`]+)`", TABLE)


def names_of(path: Path) -> set[str]:
    text = path.read_text("utf-8")
    if path.suffix == ".yaml":
        return {str(case["why"]) for case in yaml.safe_load(text)}
    return set(re.findall(r"^(?:async )?def (\w+)", text, re.MULTILINE))


def test_every_number_has_its_row_and_every_row_a_test() -> None:
    assert [number for number, _ in ROWS] == [f"B{number}" for number in range(1, 96, 2)]
    assert all("::" in row for _, row in ROWS)


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_what_pins_it_exists(path: str) -> None:
    wanted = {name for where, name in NAMED if where == path}

    assert wanted - names_of(ROOT / path) == set()
