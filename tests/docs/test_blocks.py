"""What README and docs show is true: files are valid, commands run, links lead somewhere."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
import yaml

from reconciler.cli.main import cli
from reconciler.cli.settings import load_settings
from reconciler.cli.working_tree import snapshot_of_folder
from reconciler.desired.load import load
from reconciler.lab.program import program_path
from tests.docs.conftest import run_console
from tests.support.documents import (
    ROOT,
    Block,
    all_pages,
    blocks,
    blocks_of,
    indented_code,
    stage_of,
)

_KNOWN = {"", "console", "yaml", "toml", "diff", "conf", "text", "sh", "powershell"}
_OURS = re.compile(r"(?:examples|docs|schemas|desired-state)/[\w./-]+")
_CALL = re.compile(r"(?:^|-- )reconciler (?:--config \S+ )?([a-z]+)", re.MULTILINE)
_SOURCE = '[source]\nurl = "https://git.example.com/fleet.git"\n'
_FILES = {
    "release": "releases/kanade-backend.yaml",
    "job": "jobs/install-kanade-backend.yaml",
    "hosts": "hosts/fleet.yaml",
}


NOT_RUN = Counter(
    {
        ("README.md", "sh"): 2,  # `make test` runs this, and an installation is tests/walk's
        ("docs/tutorial.md", "sh"): 4,  # a fleet is installed, and its controller never ends
        ("docs/how-to/adopt.md", "sh"): 1,  # two controllers: tests/e2e/test_adopt.py
        ("docs/how-to/approve-with-keys.md", "sh"): 2,  # the demo's scenarios
        ("docs/how-to/disaster.md", "sh"): 1,  # the nats command
        ("docs/how-to/gateway.md", "sh"): 1,  # on a host that nobody reaches
        ("examples/container/README.md", "sh"): 1,  # builds an image
        ("examples/kubernetes/README.md", "sh"): 1,  # a cluster
        ("examples/migration/README.md", "powershell"): 1,  # what is left behind
        ("examples/migration/README.md", "yaml"): 5,  # tests/examples/test_migration.py
        ("examples/monitoring/README.md", "yaml"): 1,  # Prometheus' own
        ("examples/page/README.md", "sh"): 1,  # the reader's page
        ("examples/systemd/README.md", "sh"): 1,  # installs a unit
    }
)


def named(*languages: str) -> list[object]:
    return [pytest.param(block, id=block.where) for block in blocks(*languages)]


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_is_of_a_kind_that_is_tested(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in _KNOWN, block.where
        shell = block.language in {"sh", "powershell"}
        assert not shell or block.option("norun"), block.where


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_code_escapes_by_having_no_fence(page: Path) -> None:
    assert list(indented_code(page)) == []


def test_code_without_a_fence_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Words\n    go on\n\n    $ escapes\n    $ with it\n\n- an item\n\n  of two parts\n\n"
        "      $ escapes\n\n1. one\n\n   ```sh\n       fenced\n   ```\n\nEnd\n\n    $ escapes\n\n"
        '```sh norun="`why`"\n```\n'
    )

    lines = page.read_text().splitlines()
    assert list(indented_code(page)) == [4, 11, 21, 23, 24]
    assert {lines[number - 1].strip()[:3] for number in indented_code(page)} == {"$ e", "```"}


def test_what_is_not_run_is_what_we_have_agreed_on() -> None:
    """Each has its reason where it stands; another one is another decision."""
    found = [
        (str(block.page.relative_to(ROOT)), block.language)
        for page in all_pages()
        for block in blocks_of(page)
        if block.option("norun")
    ]

    assert Counter(found) == NOT_RUN


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("block", named("sh"))
def test_commands_that_are_not_run_name_what_there_is(block: Block) -> None:
    assert [path for path in _OURS.findall(block.text) if not (ROOT / path).exists()] == []
    assert [verb for verb in _CALL.findall(block.text) if verb not in cli.commands] == []


@pytest.mark.parametrize(
    "page",
    sorted({block.page for block in blocks("yaml")}),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_yaml_is_a_desired_state(page: Path, desired_state: Path) -> None:
    """A page's fragments are put, one after the other, into our sample; each leaves it valid."""
    for block in blocks_of(page):
        if block.language == "yaml" and block.option("norun"):
            assert yaml.safe_load(block.text)
        elif block.language == "yaml":
            put(block, desired_state)
            assert load(snapshot_of_folder(desired_state)).releases, block.where


def put(block: Block, desired_state: Path) -> None:
    """Put a fragment into the file that its fence names."""
    (kind,) = block.words
    file = desired_state / _FILES[kind]
    whole = cast("dict[str, object]", yaml.safe_load(file.read_text("utf-8")))
    for key, value in cast("dict[str, object]", yaml.safe_load(block.text)).items():
        before = whole.get(key)
        both = isinstance(value, dict) and isinstance(before, dict)
        whole[key] = {**before, **value} if both else value  # type: ignore[dict-item]  # both are
    file.write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")


@pytest.mark.parametrize("block", named("toml"))
def test_toml_is_settings(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "reconciler.toml"
    file.write_text(block.text if "[source]" in block.text else _SOURCE + block.text, "utf-8")
    (tmp_path / "allowed_signers").write_text("")

    assert load_settings(file, (), {"HOME": str(tmp_path)}).source.url


@pytest.mark.parametrize("block", named("diff"))
def test_a_diff_fits_our_sample(block: Block) -> None:
    head, *lines = block.text.splitlines()
    file = ROOT / head.removeprefix(" # ")
    there = [re.sub(r"\s+#.*", "", line) for line in file.read_text("utf-8").splitlines()]

    assert [line for line in lines if line[0] in " -" and line[1:] not in there] == []


@pytest.mark.parametrize("block", named("conf"))
def test_a_configuration_is_taken_by_nats_server(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "nats.conf"
    file.write_text(block.text.replace("/var/lib/nats", str(tmp_path)))

    done = subprocess.run(
        [program_path("nats-server"), "-c", str(file), "-t"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done


@pytest.mark.parametrize(
    "page",
    [page for page in all_pages() if not stage_of(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands_that_need_no_fleet_do_what_is_shown(page: Path, desired_state: Path) -> None:
    for block in blocks_of(page):
        if block.language == "console" and not block.option("norun"):
            run_console(block, desired_state.parent)


def test_the_tests_run_with_the_python_that_has_the_command() -> None:
    assert Path(sys.executable).with_name("reconciler").exists()
