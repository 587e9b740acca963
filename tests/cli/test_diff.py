"""`diff`: what git asks for beside what kanade has, to the letter and without a secret."""

import json

import pytest

from tests.cli.conftest import Office
from tests.cli.test_printed import ESCAPE, file_of, printed
from tests.support import small_fleet
from tests.support.golden import assert_same


@pytest.fixture
def changed(kanade: Office) -> Office:
    """The first version is in kanade; git asks for a second one."""
    kanade.call("apply")
    files = small_fleet.files("1.1.0")
    script = str(files["scripts/deploy.sh"]).replace("set -eu", "set -eu\numask 022")
    job = str(files["jobs/install-tool.yaml"]).replace("300s", "10m")
    more = {"scripts/deploy.sh": script, "jobs/install-tool.yaml": job}
    kanade.repository.commit({**files, **more})
    return kanade


@pytest.mark.parametrize("columns", [80, 120])
def test_what_differs(changed: Office, columns: int) -> None:
    text = printed(changed, "diff", columns)

    assert ESCAPE not in text
    assert "viewer-7" not in text
    assert_same(text, file_of("diff", f"-{columns}"))


def test_one_release_as_data(changed: Office) -> None:
    done = changed.call("diff", "tool", "-o", "json")

    assert done.code == 1
    assert "viewer-7" not in done.out
    assert [item["kind"] for item in json.loads(done.out)] == ["package", "script", "job"]


def test_no_difference(kanade: Office) -> None:
    kanade.call("apply")

    done = kanade.call("diff")

    assert (done.code, done.out, done.err) == (0, "no difference\n", "")


def test_a_release_that_is_not_in_the_repository(kanade: Office) -> None:
    done = kanade.call("diff", "tol")

    assert (done.code, done.err) == (2, "error: no release tol is known; did you mean tool?\n")
