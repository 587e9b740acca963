"""The Containerfile is pinned, gives up root, holds no secret, and copies what there is."""

import re
import tomllib
from pathlib import Path

import pytest

from reconciler import __version__

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples/container"
_NAMED = re.compile(r"^([A-Za-z0-9._-]+)(?:==\S+)?", re.MULTILINE)

Steps = list[tuple[str, str]]


@pytest.fixture
def steps() -> Steps:
    """Every instruction with its words, lines that go on put together."""
    lines = (FOLDER / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    split = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return [(words[0], words[1]) for words in split]


def words_of(steps: Steps, instruction: str) -> list[str]:
    return [words for name, words in steps if name == instruction]


def test_both_stages_are_one_image_of_one_version(steps: Steps) -> None:
    image = words_of(steps, "ARG")[0].removeprefix("PYTHON=")

    assert words_of(steps, "FROM") == ["${PYTHON} AS build", "${PYTHON}"]
    assert re.fullmatch(r"docker\.io/library/python:\d+\.\d+\.\d+-slim-\w+", image)


def test_it_runs_as_a_number_that_is_not_root(steps: Steps) -> None:
    assert words_of(steps, "USER") == ["65532:65532"]
    last_run = max(index for index, step in enumerate(steps) if step[0] == "RUN")
    assert steps.index(("USER", "65532:65532")) > last_run


def test_it_runs_the_controller_and_takes_any_other_command(steps: Steps) -> None:
    entry = words_of(steps, "ENTRYPOINT")[0]

    assert '"reconciler", "--config", "/etc/kanade-reconciler/reconciler.toml"' in entry
    assert words_of(steps, "CMD") == ['["run"]']


def test_it_copies_what_there_is_and_all_that_a_build_needs(steps: Steps) -> None:
    copied = {
        source
        for words in words_of(steps, "COPY")
        if not words.startswith("--from")
        for source in words.split()[:-1]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]}

    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert needed | set(project["project"]["license-files"]) <= copied
    assert {name for name in copied if name in (".", ".git", "tests")} == set()


def test_every_package_is_pinned_as_for_development_and_has_a_hash() -> None:
    pinned = (FOLDER / "requirements.txt").read_text()
    development = (ROOT / "requirements.txt").read_text()
    entries = re.split(r"\n(?=\S)", pinned.strip())

    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    heads = {entry.splitlines()[0] for entry in entries}
    assert heads <= set(development.splitlines())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {found[1].lower() for text in project["dependencies"] if (found := _NAMED.match(text))}
    assert wanted <= {entry.partition("==")[0] for entry in entries}
    assert not {"pytest", "mypy", "playwright"} & {entry.partition("==")[0] for entry in entries}


def test_the_image_is_named_by_the_version_that_there_is() -> None:
    for name in ("container/Containerfile", "container/README.md"):
        found = set(re.findall(r"kanade-reconciler:([0-9.]+)", (FOLDER.parent / name).read_text()))
        assert found == {__version__}
