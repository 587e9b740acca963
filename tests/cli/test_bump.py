"""`bump`: two values of a file, everything else as it was, and a commit that is valid."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_printed import file_of
from tests.source.repository import ENVIRONMENT, git
from tests.support import small_fleet
from tests.support.command_line import Done, call
from tests.support.golden import assert_same

RELEASE = """\
# The tool that everybody has.
apiVersion: kanade-reconciler/v1
kind: Release
name: tool
version: '1.0.0'   # the line that a bump edits
artifact: {path: artifacts/tool, sha256: "%s"}  # and this one
script: {path: scripts/deploy.sh, object: deploy-tool}
job: install-tool
targets: {labels: {role: tool}}
"""

FILE, NO = "releases/tool.yaml", "no release"
FOLDER = "name the desired-state folder by --folder"
SHAPE = 'expected A-Z a-z 0-9 _ - and single dots, as in "0.43.0" or "0.43.0-rc.1"'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    first = hashlib.sha256(small_fleet.binary_of("1.0.0")).hexdigest()
    files = small_fleet.files("1.0.0") | {FILE: RELEASE % first, "other.txt": "as it was"}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    git("init", "--quiet", "--initial-branch=main", str(folder))
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "Begin", folder=folder)
    (tmp_path / "tool").write_bytes(small_fleet.binary_of("1.1.0"))
    return folder


def bump(clone: Path, *words: str, version: str = "1.1.0", name: str = "tool") -> Done:
    artifact = ("--artifact", str(clone.parent / "tool"), "--folder", str(clone))
    return call("bump", name, version, *artifact, *words, environment=ENVIRONMENT)


def test_two_values_change_and_nothing_else(clone: Path) -> None:
    sha256 = hashlib.sha256(small_fleet.binary_of("1.1.0")).hexdigest()
    (clone / "other.txt").write_text("changed, and not ours to commit")

    done = bump(clone)

    file = clone / "releases" / "tool.yaml"
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == f"{file}: version 1.1.0, sha256 {sha256}"
    assert file.read_text() == (RELEASE % sha256).replace("'1.0.0'", "'1.1.0'")
    assert git("log", "-1", "--format=%s", folder=clone) == "Bump tool to 1.1.0"
    changed = git("show", "--name-only", "--format=", folder=clone)
    assert changed.split() == ["artifacts/tool", FILE]
    assert git("status", "--short", folder=clone) == "M other.txt"


def test_what_is_committed_is_valid(clone: Path) -> None:
    """The artifact is a file of the repository, so it goes along."""
    assert bump(clone).code == 0

    git("clone", "--quiet", str(clone), str(clone.parent / "again"))
    done = call("validate", str(clone.parent / "again"))
    assert (done.code, done.out[:5]) == (0, "valid")


def test_an_artifact_of_each_version_is_new_to_git(clone: Path) -> None:
    file = clone / FILE
    file.write_text(file.read_text().replace("artifacts/tool,", "'artifacts/tool-{version}',"))
    (clone / "artifacts" / "tool").rename(clone / "artifacts" / "tool-1.0.0")
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--message", "A file a version", folder=clone)

    assert bump(clone).code == 0

    changed = git("show", "--name-status", "--format=", folder=clone)
    assert changed.split() == ["A", "artifacts/tool-1.1.0", "M", FILE]
    assert call("validate", str(clone)).code == 0


def test_an_artifact_outside_of_git_stays_there(clone: Path) -> None:
    file = clone / FILE
    file.write_text(file.read_text().replace("path: artifacts/tool", "file: builds/tool"))

    assert bump(clone).code == 0

    assert git("show", "--name-only", "--format=", folder=clone) == FILE
    assert call("validate", str(clone)).code == 0


@pytest.mark.parametrize("words", [(), ("--branch", "b", "--push"), ("--no-commit",)])
def test_a_fault_of_another_file_is_one_of_the_commit(clone: Path, words: tuple[str, ...]) -> None:
    (clone / "jobs" / "install-tool.yaml").unlink()
    git("commit", "--quiet", "--all", "--message", "Break", folder=clone)

    done = bump(clone, *words)

    told = "releases/tool.yaml:8:6: job install-tool does not exist; expected its manifest in jobs/"
    assert (done.code, done.out, done.err) == (2, "", f"{told}\n1 fault\n")
    assert git("status", "--short", folder=clone) == ""
    assert git("branch", "--show-current", folder=clone) == "main"


def test_what_is_not_committed_elsewhere_does_not_count(clone: Path) -> None:
    """Neither its faults, nor what would mend those of the commit."""
    (clone / "jobs" / "install-tool.yaml").write_text("id: [")

    assert bump(clone).code == 0
    assert bump(clone, "--no-commit", version="1.2.0").code == 2


def test_an_edit_that_was_not_committed_is_so_the_next_time(clone: Path) -> None:
    bump(clone, "--no-commit")

    assert bump(clone).code == 0

    assert git("status", "--short", folder=clone) == ""


def test_an_artifact_by_a_link_out_of_the_folder_is_not_written(clone: Path) -> None:
    shutil.rmtree(clone / "artifacts")
    (clone / "artifacts").symlink_to(clone.parent)
    before = (clone.parent / "tool").read_bytes()

    done = bump(clone)

    assert done.code == 2
    assert "a link leads out of" in done.err
    assert (clone.parent / "tool").read_bytes() == before


def test_what_is_no_regular_file_is_no_artifact(clone: Path) -> None:
    """A pipe would be waited for without end."""
    (clone.parent / "tool").unlink()
    os.mkfifo(clone.parent / "tool")

    done = bump(clone)

    told = f"error: {clone.parent / 'tool'}: expected a regular file\n"
    assert (done.code, done.out, done.err) == (2, "", told)


def test_a_second_time_there_is_nothing_to_commit(clone: Path) -> None:
    bump(clone, "--message", "Ours")
    before = git("rev-parse", "HEAD", folder=clone)

    done = bump(clone)

    assert (done.code, done.out.splitlines()[1]) == (0, "nothing to commit: it says so already")
    assert git("rev-parse", "HEAD", folder=clone) == before
    assert git("log", "-1", "--format=%s", folder=clone) == "Ours"


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_printed(clone: Path, columns: int) -> None:
    words = ("bump", "tool", "1.1.0", "--artifact", str(clone.parent / "tool"), "--folder")
    environment = {**ENVIRONMENT, "COLUMNS": str(columns)}

    done = call(*words, str(clone), environment=environment)

    text = re.sub(r"\[main \w+\]", "[main c0ffee0]", done.out.replace(str(clone), "/srv/fleet"))
    assert_same(text, file_of("bump", f"-{columns}"))


def test_without_a_commit_the_file_alone_changes(clone: Path) -> None:
    before = git("rev-parse", "HEAD", folder=clone)

    assert bump(clone, "--no-commit").code == 0

    assert git("rev-parse", "HEAD", folder=clone) == before
    assert git("status", "--short", folder=clone).split() == ["M", "artifacts/tool", "M", FILE]


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("tol", "1.1.0", f"{NO} tol in {{clone}}/releases; did you mean tool? or {FOLDER}"),
        ("../tool", "1.1.0", f"{NO} ../tool in {{clone}}/releases; did you mean tool? or {FOLDER}"),
        ("kanade", "1.1.0", f"{NO} kanade in {{clone}}/releases; {FOLDER}"),
        (
            "tool",
            "1.0.0; rm -rf /",
            f'{FILE}:5:10: version "1.0.0; rm -rf /" does not match ({SHAPE})',
        ),
        ("tool", "", f"{FILE}:5:10: version is empty"),
        (
            "tool",
            "1.1.0\n",
            (
                f"{{clone}}/{FILE}: cannot set version, artifact.sha256 without touching more; "
                "edit the file by hand"
            ),
        ),
    ],
)
def test_what_would_be_refused_is_not_written(
    clone: Path, name: str, version: str, told: str
) -> None:
    done = bump(clone, name=name, version=version)

    assert (done.code, done.out) == (2, "")
    told = told.format(clone=clone)
    line = f"{told}\n1 fault\n" if told.startswith(FILE) else f"error: {told}\n"
    assert done.err == line
    assert git("status", "--short", folder=clone) == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe", "cannot be read"),
        (b"name: tool\n", "tool.yaml"),
        (b"", "tool.yaml"),
        (b"version: &a '1'\nartifact: {sha256: *a}\n", "tool.yaml"),
    ],
)
def test_a_file_that_is_no_release_stays_as_it_is(clone: Path, content: bytes, told: str) -> None:
    file = clone / "releases" / "tool.yaml"
    file.write_bytes(content)

    done = bump(clone)

    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert file.read_bytes() == content


def test_git_has_the_last_word(clone: Path) -> None:
    hook = clone / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)

    done = bump(clone)

    file = clone / "releases" / "tool.yaml"
    told = f"error: {file}: edited, but git did not commit it: not on a Friday; mend that, then: "
    assert (done.code, done.err[: len(told)]) == (2, told)
    hook.unlink()
    subprocess.run(done.err[len(told) :], shell=True, check=True, env=ENVIRONMENT)
    assert git("log", "-1", "--format=%s", folder=clone) == "Bump tool to 1.1.0"
    assert git("status", "--short", folder=clone) == ""


def test_without_an_author_it_is_said_how_to_have_one(clone: Path) -> None:
    names = [name for name in ENVIRONMENT if name.endswith(("_NAME", "_EMAIL"))]
    words = ("bump", "tool", "1.1.0", "--artifact", str(clone.parent / "tool"))

    done = call(
        *words, "--folder", str(clone), environment={**ENVIRONMENT, **dict.fromkeys(names, "")}
    )

    assert done.code == 2
    assert "; mend that, then: git config user.name NAME; git config user.email MAIL; " in done.err
    assert len(done.err.splitlines()) == 1


def test_an_older_version_is_refused_unless_the_file_allows_it(clone: Path) -> None:
    assert bump(clone).code == 0
    (clone.parent / "tool").write_bytes(small_fleet.binary_of("1.0.5"))

    refused = bump(clone, version="1.0.5")

    assert (refused.code, refused.out) == (2, "")
    assert "1.0.5 is older than 1.1.0, and the controller would refuse it" in refused.err
    assert git("status", "--short", folder=clone) == ""
    file = clone / FILE
    file.write_text(file.read_text() + "allow_downgrade: true\n")
    assert bump(clone, version="1.0.5").code == 0


def test_the_same_version_with_other_bytes_is_refused(clone: Path) -> None:
    assert bump(clone).code == 0
    (clone.parent / "tool").write_bytes(small_fleet.binary_of("1.1.0") + b"rebuilt")

    done = bump(clone)

    assert (done.code, done.out) == (2, "")
    assert "a version's bytes never change" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "next: git push; reconciler reconcile tool --wait"),
        (
            ("--branch", "b"),
            ("next: git push; a pull request; when it is merged: reconciler reconcile tool --wait"),
        ),
    ],
)
def test_what_comes_next_is_said(clone: Path, words: tuple[str, ...], told: str) -> None:
    assert bump(clone, *words).out.splitlines()[-1] == told


def test_outside_of_a_repository_nothing_is_edited(tmp_path: Path, clone: Path) -> None:
    (clone / ".git").rename(tmp_path / "gone")
    before = (clone / FILE).read_text()

    done = bump(clone)

    assert done.code == 2
    assert "not a git repository" in done.err
    assert done.err.count("\n") == 1
    assert (clone / FILE).read_text() == before
