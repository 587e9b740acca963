"""The hooks as people have them: pre-commit builds this checkout, and git's own hooks call it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.conftest import PERSON
from tests.support.documents import ROOT

_PINNED = Path(__file__).with_name("pre-commit.txt")
_OURS = ("VIRTUAL_ENV", "PYTHON", "PYTEST", "MAKE", "MFLAGS", "COV", "GIT_", "PRE_COMMIT")

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Clone:
    """A clone of a fleet's repository, where pre-commit is installed."""

    folder: Path
    environment: dict[str, str]

    @property
    def release(self) -> Path:
        [release] = (self.folder / "desired-state" / "releases").iterdir()
        return release

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def do(self, *words: str) -> str:
        """Run what must succeed, and return what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, f"$ {' '.join(words)}\n{done.stdout}"
        return done.stdout.strip()

    def commit(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("git", "commit", "--all", "--message", "Change it", *options)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Push a first commit, and then do what the example of `examples/ci` says on its first line."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    programs = tmp_path / "environment" / "bin"
    environment = {
        **own,
        **PERSON,
        "PATH": f"{programs}{os.pathsep}{own['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
    }
    folder = tmp_path / "fleet"
    shutil.copytree(ROOT / "examples" / "minimal" / "desired-state", folder / "desired-state")
    found = Clone(folder, environment)
    _install(tmp_path, found)
    config = (ROOT / "examples" / "ci" / "pre-commit-config.yaml").read_text("utf-8")
    config = re.sub(r"repo: \S+", f"repo: {ROOT}", config)
    revision = found.do("git", "-C", str(ROOT), "rev-parse", "HEAD")
    (folder / ".pre-commit-config.yaml").write_text(re.sub(r"rev: \S+", f"rev: {revision}", config))
    found.do("git", "init", "--quiet", "--bare", str(tmp_path / "fleet.git"))
    found.do("git", "init", "--quiet", "--initial-branch=main")
    found.do("git", "add", "--all")
    found.do("git", "commit", "--quiet", "--message", "Begin")
    found.do("git", "remote", "add", "origin", str(tmp_path / "fleet.git"))
    found.do("git", "push", "--quiet", "origin", "main")
    found.do("pre-commit", "install", "--install-hooks")
    return found


def _install(folder: Path, clone: Clone) -> None:
    """Put pre-commit into an environment of its own, or skip, where it cannot be had."""
    python = sys._base_executable  # type: ignore[attr-defined]  # as venv itself asks
    clone.do(python, "-m", "venv", str(folder / "environment"))
    ours = (ROOT / "requirements.txt").read_text("utf-8")
    yaml = re.search(r"^pyyaml==(?:.*\\\n)*.*\n", ours, re.MULTILINE)
    assert yaml is not None
    wanted = folder / "wanted.txt"
    wanted.write_text(_PINNED.read_text("utf-8") + yaml[0])
    words = ("pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(wanted))
    done = clone.run(*words)
    if done.returncode:
        pytest.skip(f"pre-commit cannot be installed: {done.stdout.strip().splitlines()[-1]}")


def test_a_good_change_gets_to_the_server_and_a_bad_one_nowhere(clone: Clone) -> None:
    good = clone.release.read_text()
    clone.do("git", "switch", "--quiet", "--create", "feature")
    before = clone.do("git", "rev-parse", "HEAD")

    clone.release.write_text(good.replace("version:", "versoin:"))
    refused = clone.commit()
    assert refused.returncode == 1
    assert "did you mean version?" in refused.stdout
    assert clone.do("git", "rev-parse", "HEAD") == before

    clone.release.write_text(f"{good}drift: report\n")
    taken = clone.commit()
    assert taken.returncode == 0, taken.stdout
    assert re.search(r"^desired state is valid\.+Passed$", taken.stdout, re.MULTILINE)
    assert "what this branch changes" not in taken.stdout

    told = clone.do("git", "push", "origin", "feature")
    assert re.search(r"^what this branch changes\.+Passed$", told, re.MULTILINE)
    assert "drift: heal -> report" in told
    pushed = clone.do("git", "ls-remote", "origin", "refs/heads/feature")
    assert pushed.startswith(clone.do("git", "rev-parse", "HEAD"))

    clone.release.write_text(good.replace("version:", "versoin:"))
    assert clone.commit("--no-verify").returncode == 0
    held = clone.run("git", "push", "origin", "feature")
    assert held.returncode == 1
    assert "did you mean version?" in held.stdout
    assert clone.do("git", "ls-remote", "origin", "refs/heads/feature") == pushed
