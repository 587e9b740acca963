"""What cannot be meant, through the command line: each case the exact lines and the exit code."""

import subprocess
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from tests.support.command_line import call

HERE = Path(__file__).parent
AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@example.com")
MANY = {f"<{digit} x 5000>": digit * 5000 for digit in "9f"} | {"<a x 2000000>": "a" * 2_000_000}


class Case(TypedDict, total=False):
    """Where a command is run, and the exact lines that come of it."""

    why: str
    files: dict[str, str]
    environment: dict[str, str]
    links: dict[str, str]
    git: bool
    """The files are committed, on main."""
    after: list[str]
    """What git is asked for thereafter."""
    words: list[str]
    code: int
    error: str


def cases() -> list[Case]:
    found: list[Case] = []
    for path in sorted((HERE / "commands").glob("*.yaml")):
        found += yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def git(*words: str) -> None:
    subprocess.run(["git", *AUTHOR, *words], check=True)


def spelled(text: str) -> str:
    for short, long in MANY.items():
        text = text.replace(short, long)
    return text


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["why"])
def test_a_bad_input_ends_in_exactly_these_lines_and_this_code(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in case.get("files", {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(spelled(text))
        path.chmod(0o600)
    for name, target in case.get("links", {}).items():
        (tmp_path / name).symlink_to(target)
    if case.get("git"):
        git("init", "-q", "-b", "main")
        git("add", ".")
        for words in ["commit -q -m x"] * bool(case.get("files")) + case.get("after", []):
            git(*words.split())
    environment = {name: spelled(text) for name, text in case.get("environment", {}).items()}

    done = call(*case["words"], environment={"HOME": str(tmp_path), **environment})

    lines = done.err.replace(str(tmp_path), "<here>").splitlines()
    if lines[-1:] in (["1 fault"], [f"{len(lines) - 1} faults"]):
        del lines[-1]
    assert (case.get("code", 2), case["error"].splitlines()) == (done.code, lines)
    assert done.out == ""
    assert not (tmp_path / "ran").exists()
