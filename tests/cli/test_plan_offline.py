"""`plan --offline`: two revisions of a clone compared, without settings and without a fleet."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.test_printed import ESCAPE, file_of
from tests.source.repository import git
from tests.support import small_fleet
from tests.support.command_line import Done, call
from tests.support.golden import assert_same


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two commits; the second one changes a little of everything."""
    git("init", "--quiet", "--initial-branch=main", str(tmp_path))
    git("config", "user.name", "A. Author", folder=tmp_path)
    git("config", "user.email", "author@example.com", folder=tmp_path)
    commit(tmp_path, small_fleet.files("1.0.0"), "Ask for tool 1.0.0")
    files = small_fleet.files("1.1.0", ("pc-02", "pc-03"))
    job = str(files["jobs/install-tool.yaml"]) + "require_approval: true\n"
    script = str(files["scripts/deploy.sh"]).replace("set -eu", "set -eu\n# `````\numask 022")
    release = str(files["releases/tool.yaml"]).replace("max_in_flight: 10", "max_in_flight: 2")
    release += "drift: report\n"
    more = {
        "jobs/install-tool.yaml": job,
        "jobs/extra.yaml": "id: extra\nversion: '1'\n"
        "execute: {shell: sh, script: 'echo <b>', timeout: 30s}\n",
        "scripts/deploy.sh": script,
        "releases/tool.yaml": release,
    }
    commit(tmp_path, {**files, **more}, "Ask for tool 1.1.0")
    return tmp_path


def commit(clone: Path, files: Mapping[str, str | bytes], subject: str) -> None:
    for name, content in files.items():
        path = clone / "fleet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "-m", subject, folder=clone)


def plan(clone: Path, *words: str, columns: int = 80) -> Done:
    return call(
        *("plan", "--offline", "--folder", str(clone / "fleet"), *words),
        environment={"COLUMNS": str(columns)},
    )


@pytest.mark.parametrize("columns", [80, 120])
def test_what_a_revision_changes(clone: Path, columns: int) -> None:
    done = plan(clone, "--base", "HEAD~1", columns=columns)

    assert (done.code, done.err) == (1, "")
    assert ESCAPE not in done.out
    assert_same(done.out, file_of("plan-offline", f"-{columns}"))


def test_as_a_comment_on_a_pull_request(clone: Path) -> None:
    done = plan(clone, "--base", "HEAD~1", "-o", "markdown")

    assert done.code == 1
    assert_same(done.out, file_of("plan-offline", "-markdown"))


def test_as_data(clone: Path) -> None:
    found = json.loads(plan(clone, "--base", "HEAD~1", "-o", "json").out)

    assert [(item["mark"], item["kind"], item["name"]) for item in found] == [
        ("~", "release", "tool"),
        ("+", "job", "extra"),
        ("-", "host", "pc-01"),
        ("+", "host", "pc-03"),
    ]


def test_back_again_is_a_change_and_to_itself_is_none(clone: Path) -> None:
    ends = ("--base", "HEAD", "--head", "HEAD~1")
    back = json.loads(plan(clone, *ends, "--tips", "-o", "json").out)

    assert [(item["mark"], item["name"]) for item in back][1] == ("-", "extra")
    same = plan(clone, "--base", "main")
    assert same.code == 0
    assert json.loads(plan(clone, *ends, "-o", "json").out) == []
    assert same.out.splitlines()[1] == "nothing that the controller would do differently"


def test_what_main_has_become_meanwhile_is_no_change_of_the_branch(clone: Path) -> None:
    git("switch", "--quiet", "--create", "feature", "HEAD~1", folder=clone)
    release = (clone / "fleet" / "releases" / "tool.yaml").read_text()
    commit(clone, {"releases/tool.yaml": release + "drift: report\n"}, "Report drift only")
    left = git("rev-parse", "HEAD~1", folder=clone)[:12]

    done, tips = plan(clone, "--base", "main"), plan(clone, "--base", "main", "--tips")

    title = done.out.splitlines()[0]
    assert title.endswith(f" changes since it left main at {left}")
    assert "drift: heal -> report" in done.out
    assert "1.1.0" not in done.out
    assert "version: 1.1.0 -> 1.0.0" in tips.out
    assert " changes over main (" in tips.out.splitlines()[0]


def test_two_histories_with_nothing_in_common(clone: Path) -> None:
    git("switch", "--quiet", "--orphan", "apart", folder=clone)
    commit(clone, small_fleet.files("1.0.0"), "Begin anew")

    done = plan(clone, "--base", "main")

    assert done.code == 2
    assert "main and HEAD have no revision in common in this clone; a shallow one" in done.err
    assert len(done.err.splitlines()) == 1
    assert plan(clone, "--base", "main", "--tips").code == 1


def test_a_head_with_faults_is_refused_and_a_base_with_faults_is_nothing(clone: Path) -> None:
    commit(clone, {"releases/tool.yaml": "kind: Release\n"}, "Break it")
    broken = plan(clone, "--base", "HEAD~1")
    assert broken.code == 2
    assert broken.err.startswith("fleet/releases/tool.yaml:1:1: ")

    mended = plan(clone, "--base", "HEAD", "--head", "HEAD~1", "--tips")

    assert mended.code == 1
    assert re.match(r"note: revision \w{12} has \d faults, so everything", mended.err)
    assert "  + release tool" in mended.out


@pytest.mark.parametrize("name", ["nowhere", "--upload-pack=x", "HEAD:fleet", ""])
def test_a_revision_that_is_none(clone: Path, name: str) -> None:
    done = plan(clone, f"--base={name}")

    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "Traceback" not in done.err


def test_a_folder_that_is_in_no_clone(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()

    done = plan(tmp_path, "--base", "HEAD")

    assert done.code == 2
    assert "not a git repository" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--offline"], "Missing option '--base'."),
        (["--base", "HEAD"], "Missing option '--offline'."),
        (["-o", "markdown"], "-o markdown needs --offline."),
    ],
)
def test_options_that_belong_together(words: list[str], said: str) -> None:
    done = call("plan", *words)

    assert (done.code, done.err) == (2, f"error: {said} (see: reconciler plan --help)\n")
