"""The pre-commit hooks and the pipelines of `examples/ci`: they say what our commands take."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from reconciler.cli.main import cli
from tests.source.repository import ENVIRONMENT, git

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PIPELINES = sorted((ROOT / "examples" / "ci").glob("*.y*ml"))
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words of each call of ours, without what the shell does around it."""
    for line in text.splitlines():
        found = re.search(r"(?<![\w-])reconciler (?=[a-z]+ )(.*)", line)
        if found is not None:
            words = shlex.split(re.split(r" [>|&]|; ", found[1])[0], comments=True)
            yield [re.sub(r"\$\{?\w+[^}]*\}?", "1.0.0", word) for word in words]


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.name)
def test_a_pipeline_calls_us_as_we_are(file: Path) -> None:
    text = file.read_text()
    assert yaml.safe_load(text)
    found = list(calls(text))
    assert found or file.name == "pre-commit-config.yaml"
    for verb, *words in found:
        places = [word for word in words if word.startswith(("desired", "fleet", "../published"))]
        here = ["." if word in places else word for word in words]
        command = cli.commands[verb]

        assert command.make_context(verb, here, parent=click.Context(cli)).params


def test_the_hooks_that_are_named_are_ours() -> None:
    config = yaml.safe_load((ROOT / "examples" / "ci" / "pre-commit-config.yaml").read_text())

    assert [hook["id"] for repo in config["repos"] for hook in repo["hooks"]] == list(HOOKS)


def run_hook(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a hook as pre-commit does: its entry and its arguments, from the top of the clone."""
    program = folder.parent / "bin" / "reconciler"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    program.chmod(0o755)
    hook = HOOKS[name]
    words = [*shlex.split(hook["entry"]), *(arguments or hook["args"])]
    path = {"PATH": f"{program.parent}:{ENVIRONMENT['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        words, cwd=folder, env={**ENVIRONMENT, **path}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    shutil.copytree(ROOT / "examples" / "minimal" / "desired-state", folder / "desired-state")
    git("init", "--quiet", "--initial-branch=main", str(folder))
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "Begin", folder=folder)
    return folder


def test_the_hook_lets_a_good_state_through_and_stops_a_bad_one(fleet: Path) -> None:
    good = run_hook("reconciler-validate", fleet)
    [release] = (fleet / "desired-state" / "releases").iterdir()
    release.write_text(release.read_text().replace("version:", "versoin:"))

    bad = run_hook("reconciler-validate", fleet)

    assert (good.returncode, bad.returncode) == (0, 2), good.stderr
    assert "did you mean version?" in bad.stderr


def test_what_is_planned_is_about_commits_so_not_before_one() -> None:
    assert HOOKS["reconciler-plan"]["stages"] == ["pre-push", "manual"]
    config = yaml.safe_load((ROOT / "examples" / "ci" / "pre-commit-config.yaml").read_text())
    assert "pre-push" in config["default_install_hook_types"]


def test_a_branch_behind_main_is_told_its_own_changes_only(fleet: Path) -> None:
    [release] = (fleet / "desired-state" / "releases").iterdir()
    before = release.read_text()
    git("switch", "--quiet", "--create", "feature", folder=fleet)
    release.write_text(before + "drift: report\n")
    git("commit", "--quiet", "--all", "--message", "Report", folder=fleet)
    git("switch", "--quiet", "main", folder=fleet)
    release.write_text(before.replace("version: ", "suspend: true\nversion: ", 1))
    git("commit", "--quiet", "--all", "--message", "Suspend", folder=fleet)
    git("switch", "--quiet", "feature", folder=fleet)

    told = run_hook("reconciler-plan", fleet, "desired-state", "main").stdout

    assert "drift: heal -> report" in told
    assert "suspend" not in told


def test_the_other_one_tells_and_never_stops(fleet: Path) -> None:
    [release] = (fleet / "desired-state" / "releases").iterdir()
    release.write_text(release.read_text() + "drift: report\n")
    git("commit", "--quiet", "--all", "--message", "Report", folder=fleet)

    told = run_hook("reconciler-plan", fleet, "desired-state", "HEAD~1")

    assert told.returncode == 0, told.stderr
    assert "drift: heal -> report" in told.stdout
    assert run_hook("reconciler-plan", fleet, "desired-state", "nowhere").returncode != 0
