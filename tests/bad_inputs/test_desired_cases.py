"""Bad desired states as data: each edits base/ and names all the faults that must come out."""

from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from tests.support.snapshots import files_below, snapshot_of

HERE = Path(__file__).parent
BASE = files_below(HERE / "base")


class Edit(TypedDict):
    """One text of one file, put in place of another."""

    file: str
    old: str
    new: str


class Case(TypedDict, total=False):
    """What is done to the base, and the exact lines that come of it."""

    why: str
    edit: list[Edit]
    add: dict[str, str]
    faults: list[str]


def cases() -> list[Case]:
    found: list[Case] = []
    for path in sorted((HERE / "cases").glob("*.yaml")):
        found += yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def edited(case: Case) -> dict[str, bytes]:
    files = dict(BASE)
    for edit in case.get("edit", []):
        text = files[edit["file"]].decode()
        assert edit["old"] in text, f"{case['why']}: the edit finds nothing to change"
        files[edit["file"]] = text.replace(edit["old"], edit["new"], 1).encode()
    return files | {path: text.encode() for path, text in case.get("add", {}).items()}


def test_the_base_itself_has_no_fault() -> None:
    names = [release.name for release in load(snapshot_of(BASE)).releases]

    assert names == ["other", "tool"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["why"])
def test_a_bad_input_ends_in_exactly_these_lines(case: Case) -> None:
    with pytest.raises(InvalidDesiredState) as refusal:
        load(snapshot_of(edited(case)))

    assert case["faults"] == str(refusal.value).splitlines(), case["why"]
