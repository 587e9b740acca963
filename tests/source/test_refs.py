"""Where refs are, and whether they have changed: whatever git does to move one is seen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.source.refs import RefStore, ref_store
from tests.source.repository import Repository, git


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work tree with a commit."""
    folder = tmp_path / "work"
    git("init", "--quiet", "--initial-branch=main", str(folder))
    commit(folder, "1")
    return folder


def commit(folder: Path, content: str) -> None:
    (folder / "a").write_text(content)
    git("add", "a", folder=folder)
    git("commit", "--quiet", "-m", content, folder=folder)


def store(folder: Path) -> RefStore:
    found = ref_store(folder)
    assert found is not None
    return found


MOVES: dict[str, Callable[[Path], object]] = {
    "commit": lambda work: commit(work, "2"),
    "amend": lambda work: git("commit", "--quiet", "--amend", "-m", "x", folder=work),
    "new branch": lambda work: git("branch", "topic", folder=work),
    "branch in a folder": lambda work: git("branch", "team/topic", folder=work),
    "switch": lambda work: git("switch", "--quiet", "-c", "other", folder=work),
    "tag": lambda work: git("tag", "v1", folder=work),
    "pack": lambda work: git("pack-refs", "--all", folder=work),
    "delete": lambda work: git("update-ref", "-d", "refs/heads/main", folder=work),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_ref_that_moves_leaves_a_mark(work: Path, move: Callable[[Path], object]) -> None:
    before = store(work).marks()

    move(work)

    assert store(work).marks() != before


def test_packed_refs_that_change_leave_a_mark(work: Path) -> None:
    git("branch", "topic", folder=work)
    git("pack-refs", "--all", folder=work)
    before = store(work).marks()

    git("update-ref", "-d", "refs/heads/topic", folder=work)

    assert store(work).marks() != before


def test_what_is_no_ref_leaves_no_mark(work: Path) -> None:
    before = store(work).marks()

    (work / "b").write_text("x")
    git("add", "b", folder=work)
    git("fetch", "--quiet", ".", folder=work)
    (work / ".git/refs/heads/main.lock").touch()

    assert store(work).marks() == before


def test_a_linked_work_tree_shares_its_refs_but_not_its_head(work: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git("worktree", "add", "--quiet", "-b", "side", str(linked), folder=work)
    before = store(linked)
    marks = before.marks()

    commit(linked, "2")

    assert before.shared == work / ".git"
    assert before.own == work / ".git/worktrees/linked"
    assert store(linked).marks() != marks
    assert {str(before.own), str(before.shared)} <= {path for path, _ in before.folders()}


def test_a_git_file_is_followed(work: Path, tmp_path: Path) -> None:
    """As a submodule's is, or that of `git init --separate-git-dir`."""
    elsewhere = tmp_path / "elsewhere"
    (work / ".git").rename(elsewhere)
    (work / ".git").write_text("gitdir: ../elsewhere\n")

    assert store(work) == RefStore(own=elsewhere, shared=elsewhere)


def test_a_bare_repository_is_its_own_folder(repository: Repository) -> None:
    assert store(repository.path) == RefStore(own=repository.path, shared=repository.path)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_a_repository_has_no_refs(tmp_path: Path, *, there: bool) -> None:
    place = tmp_path / "place"
    if there:
        place.mkdir()

    assert ref_store(place) is None


def test_tables_of_refs_are_looked_at_as_well(repository: Repository) -> None:
    """Newer git may keep all refs in such a folder; ours need not know its format."""
    (repository.path / "reftable").mkdir()
    before = store(repository.path).marks()

    (repository.path / "reftable" / "0x01-0x02.ref").write_bytes(b"REFT")

    assert store(repository.path).marks() != before
