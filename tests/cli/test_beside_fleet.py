"""`plan` and `diff` for whoever looks on, and with all that is known of each thing."""

import json
from collections.abc import Iterator
from subprocess import Popen

import pytest

from tests.cli.conftest import Office
from tests.cli.test_printed import file_of, printed
from tests.support import small_fleet
from tests.support.golden import assert_same


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", ["plan -o wide", "diff -o wide"])
def test_with_whole_revisions_reasons_and_ids(kanade: Office, words: str, columns: int) -> None:
    assert_same(printed(kanade, words, columns), file_of(words, f"-{columns}"))


def lines_of(process: Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None
    return (line.decode().rstrip() for line in iter(process.stdout.readline, b""))


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("plan", "  + publish package tool/1.0.0", "  + publish package tool/1.1.0"),
        ("plan -o wide", "  + publish package tool/1.0.0", "  + publish package tool/1.1.0"),
        ("diff", "package tool/1.0.0 is not", "package tool/1.1.0 is not"),
        ("plan -o json", "JobMissing", "1.1.0"),
    ],
)
def test_what_a_new_commit_makes_of_it_is_watched(
    kanade: Office, words: str, old: str, new: str
) -> None:
    with kanade.started(*words.split(), "--watch", COLUMNS="120") as process:
        seen = lines_of(process)
        assert any(old in line for line in seen)

        kanade.repository.commit(small_fleet.files("1.1.0"), message="Ask for tool 1.1.0")

        assert any(new in line for line in seen)


def test_watched_yaml_is_a_document_each(kanade: Office) -> None:
    with kanade.started("diff", "-w", "-o", "yaml") as process:
        assert next(lines_of(process)) == "---"


@pytest.mark.parametrize("kind", ["wide", "json"])
def test_a_plan_says_by_its_exit_code_whether_anything_differs(kanade: Office, kind: str) -> None:
    done = kanade.call("plan", "-o", kind)

    assert done.code == 1
    if kind == "json":
        assert {"plan", "forecast"} == set(json.loads(done.out))
