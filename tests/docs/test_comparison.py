"""The comparison with others: every cell of theirs says where it was read, or that it was not."""

import re

from tests.support.documents import ROOT

TEXT = (ROOT / "docs/comparison.md").read_text("utf-8")
OTHERS = ("Flux", "Argo CD", "Rancher Fleet", "comin", "Kluctl", "kanade's own CLI")
_PERMANENT = (
    r"\]\(https://(?:github\.com/[\w-]+/[\w-]+/(?:blob/[0-9a-f]{40}/[\w./-]+|releases/tag/v[\d.]+)"
    r"|docs\.rs/crate/[\w-]+/[\d.]+/source/[\w./]*)\)"
)
"""A file at a commit, a release, or the source of a crate's version."""
UNSOURCED = {"?", "not applicable"}


def rows() -> list[list[str]]:
    lines = [line for line in TEXT.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def cells() -> list[str]:
    """Return what is said of others."""
    return [cell for row in rows()[2:] for cell in row[2:]]


def test_it_compares_with_all_of_them() -> None:
    assert rows()[0][1:] == ["kanade-reconciler", *OTHERS]
    assert {len(row) for row in rows()} == {len(OTHERS) + 2}


def test_every_cell_has_its_source() -> None:
    assert [cell for cell in cells() if cell not in UNSOURCED and cell[-1] != "]"] == []


def test_every_cell_of_ours_names_a_test_that_is_there() -> None:
    for row in rows()[2:]:
        named = re.search(r"\[test\]\((\.\./tests/[\w./-]+)\)$", row[1])
        assert named is not None, row[0]
        assert (ROOT / "docs" / named[1]).is_file(), row[0]


def test_every_source_can_be_looked_up_as_it_was_read() -> None:
    sources = re.findall(r"^\d+\. (.*(?:\n   .*)*)", TEXT, re.MULTILINE)

    assert [source for source in sources if len(re.findall(_PERMANENT, source)) != 1] == []


def test_every_source_is_there_and_used() -> None:
    listed = re.findall(r"^(\d+)\. ", TEXT, re.MULTILINE)
    used = {number for cell in cells() for number in re.findall(r"\[(\d+)\]", cell)}

    assert listed == [str(number + 1) for number in range(len(listed))]
    assert used == set(listed)
