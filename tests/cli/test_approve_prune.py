"""A prune that is held: shown thing by thing, agreed to by a person, and then done."""

import re

import pytest

from tests.cli.conftest import Office
from tests.support import small_fleet


@pytest.fixture
def stocked(kanade: Office) -> Office:
    """Three versions have been published, and one older one is kept; no prune goes by itself."""
    text = kanade.config.read_text()
    kanade.config.write_text(text.replace("[controller]\n", "[controller]\nprune_limit = 0\n"))
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        files = small_fleet.files(version)
        release = str(files["releases/tool.yaml"]) + "prune: {keep_versions: 1}\n"
        kanade.repository.commit({**files, "releases/tool.yaml": release}, message=version)
        kanade.call("apply")
    return kanade


def deletions(office: Office) -> list[str]:
    return re.findall(r"^  - delete (\S+ \S+)", office.call("plan").out, re.MULTILINE)


def test_what_is_held_is_shown_and_goes_once_a_person_agrees(stocked: Office) -> None:
    assert deletions(stocked) == []
    assert "PruneHeld: 1 of 5 versions and jobs of ours" in stocked.call("get", "releases").err

    done = stocked.call("approve", "--prune", "--by", "mika", given="y\n")

    assert done.code == 0
    assert re.search(r"- package tool/1\.0\.0 \(stored as \d+\)\n", done.out)
    assert re.search(r"- script deploy-tool/1\.0\.0 \(stored as \d+\)\n", done.out)
    assert done.out.endswith("approved by mika\n")
    assert deletions(stocked) == ["package tool/1.0.0", "script deploy-tool/1.0.0"]
    stocked.call("apply")
    assert stocked.call("approve", "--prune").err == "no prune is held\n"
    assert deletions(stocked) == []


def test_without_a_yes_everything_stays(stocked: Office) -> None:
    done = stocked.call("approve", "--prune", given="n\n")

    assert (done.code, done.err) == (130, "not approved\n")
    assert deletions(stocked) == []


def test_there_is_nothing_to_approve_without_a_name_or_a_prune(kanade: Office) -> None:
    kanade.call("apply")

    assert kanade.call("approve").code == 2
    assert kanade.call("approve", "--prune").err == "no prune is held\n"
