"""`bump` from a build to a branch: which binary, which version, and where the commit goes."""

from pathlib import Path

import pytest

from tests.cli.test_bump import bump, clone
from tests.source.binaries import linux_binary
from tests.source.repository import ENVIRONMENT, git
from tests.support.command_line import Done, call

__all__ = ["clone"]


def from_build(clone: Path, *words: str) -> Done:
    build = ("--from-dir", str(clone.parent), "--folder", str(clone))
    return call("bump", "tool", *words, *build, environment=ENVIRONMENT)


def subject(folder: Path, ref: str = "HEAD") -> str:
    return git("log", "-1", "--format=%s", ref, folder=folder)


def test_a_build_folder_has_the_binary_by_its_release(clone: Path) -> None:
    done = from_build(clone, "1.1.0")

    assert (done.code, done.err) == (0, "")
    assert subject(clone) == "Bump tool to 1.1.0"


def test_the_binary_may_name_the_version(clone: Path) -> None:
    (clone.parent / "tool").write_bytes(linux_binary({"version": "1.2.0"}))

    assert from_build(clone).code == 0

    assert subject(clone) == "Bump tool to 1.2.0"


def test_a_binary_that_names_none_needs_to_be_told(clone: Path) -> None:
    done = from_build(clone)

    assert done.code == 2
    assert done.err.endswith("tool: it names no version; say it: bump tool VERSION\n")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "expected tool or tool.exe, and neither exists; say --artifact FILE"),
        (["tool", "tool.exe"], "expected tool or tool.exe, and both exist; say --artifact"),
    ],
)
def test_a_build_folder_with_none_or_two(clone: Path, names: list[str], said: str) -> None:
    (clone.parent / "tool").unlink()
    for name in names:
        (clone.parent / name).write_bytes(b"binary")

    done = from_build(clone, "1.1.0")

    assert done.code == 2
    assert said in done.err


def test_a_branch_of_its_own_leaves_the_old_one_where_it_was(clone: Path) -> None:
    before = git("rev-parse", "main", folder=clone)

    assert bump(clone, "--branch", "bump-tool").code == 0

    assert git("branch", "--show-current", folder=clone) == "bump-tool"
    assert git("rev-parse", "main", folder=clone) == before
    assert subject(clone, "bump-tool") == "Bump tool to 1.1.0"


@pytest.mark.parametrize("branch", ["main", "--orphan", "a b", ""])
def test_a_branch_that_cannot_be_begun_changes_nothing(clone: Path, branch: str) -> None:
    done = bump(clone, f"--branch={branch}")

    assert done.code == 2
    assert "no branch was begun" in done.err
    assert len(done.err.splitlines()) == 1
    assert git("status", "--short", folder=clone) == ""


def test_what_is_invalid_begins_no_branch(clone: Path) -> None:
    assert bump(clone, "--branch", "bump-tool", version="1 0").code == 2

    assert git("branch", "--show-current", folder=clone) == "main"


def test_it_is_pushed_to_origin(clone: Path, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    git("remote", "add", "origin", str(tmp_path / "origin.git"), folder=clone)

    done = bump(clone, "--branch", "bump-tool", "--push")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-2] == "pushed to origin bump-tool"
    assert subject(tmp_path / "origin.git", "bump-tool") == "Bump tool to 1.1.0"


def test_what_cannot_be_pushed_is_committed_all_the_same(clone: Path) -> None:
    done = bump(clone, "--push")

    assert done.code == 2
    assert "committed, but not pushed to origin: " in done.err
    assert subject(clone) == "Bump tool to 1.1.0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-commit", "--push"], "--no-commit leaves nothing to put on a branch or to push."),
        (["--no-commit", "--branch", "b"], "--no-commit leaves nothing"),
        (["--from-dir", "."], "Expected --artifact or --from-dir, one of them."),
    ],
)
def test_options_that_do_not_go_together(clone: Path, words: list[str], said: str) -> None:
    done = bump(clone, *words)

    assert done.code == 2
    assert said in done.err
