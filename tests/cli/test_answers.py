"""What a controller makes of a person's word comes back to whoever has given it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.support import small_fleet
from tests.support.processes import wait_for

SIGNERS = "RECONCILER_APPROVAL__ALLOWED_SIGNERS"
UNSIGNED = "the request of mika does not count: it is not signed: approve with --key FILE\n"


@pytest.fixture
def gated(kanade: Office) -> Office:
    """A release that two people have to agree to, and one pass made."""
    files = small_fleet.files("1.0.0")
    release = f"{files['releases/tool.yaml']!s}approval: {{required: 2}}\n"
    kanade.repository.commit({**files, "releases/tool.yaml": release}, message="Ask first")
    kanade.call("apply")
    return kanade


@pytest.fixture
def signers(tmp_path: Path) -> str:
    """A list of who may sign that the controller knows, and nobody else."""
    file = tmp_path / "signers"
    file.write_text("")
    return str(file)


def approve(office: Office, *words: str) -> tuple[int, str, str]:
    """Return the exit code, the last line on stdout, and what is on stderr."""
    done = office.call("approve", *words, "--yes")
    return done.code, done.out.splitlines()[-1], done.err


def test_a_word_that_counts_is_confirmed_and_a_second_one_of_the_same_person_is_no_more(
    gated: Office,
) -> None:
    with gated.started("run") as controller:
        wait_for(controller, "leading")

        assert approve(gated, "tool", "--by", "mika") == (0, "approved by mika", "")
        again = "mika had agreed before, and a person counts once\n"
        assert approve(gated, "tool", "--by", "mika") == (6, "approved by mika", again)
        assert approve(gated, "tool", "--by", "aki") == (0, "approved by aki", "")


def test_a_word_that_does_not_count_is_no_approval(gated: Office, signers: str) -> None:
    with gated.started("run", **{SIGNERS: signers}) as controller:
        wait_for(controller, "leading")

        code, out, err = approve(gated, "tool", "--by", "mika")

        assert (code, err) == (6, UNSIGNED)
        assert "approved" not in out
        assert "WordRefused" in gated.call("events").out


def test_a_word_on_a_prune_that_does_not_count_lets_nothing_go(
    kanade: Office, signers: str
) -> None:
    files = small_fleet.files("1.0.0")
    job = "id: clean-up\nversion: '1'\nexecute: {shell: sh, script: 'true', timeout: 9s}\n"
    more = {f"jobs/{name}.yaml": job.replace("clean-up", name) for name in ("a", "b", "c", "d")}
    kanade.repository.commit({**files, **more}, message="Ask for more")
    kanade.call("apply")
    kanade.repository.commit(files, message="Ask for less")
    kanade.call("apply")
    with kanade.started("run", **{SIGNERS: signers}) as controller:
        wait_for(controller, "leading")

        code, out, err = approve(kanade, "--prune", "--by", "mika")

        assert (code, err) == (6, UNSIGNED)
        assert "approved" not in out
        assert "WordRefused" in kanade.call("events").out
        assert UNSIGNED.strip() in kanade.call("get", "releases").err
