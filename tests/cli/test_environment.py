"""Options of the command line that the environment may say."""

from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.support.command_line import call, execute


def test_the_settings_file_may_be_named_by_the_environment(office: Office) -> None:
    named = office.environment(RECONCILER_CONFIG=str(office.config))

    done = call("validate", environment=named)

    assert (done.code, done.err) == (0, "")


def test_a_flag_is_stronger_than_the_environment(office: Office, tmp_path: Path) -> None:
    done = office.call("validate", RECONCILER_CONFIG=str(tmp_path / "nowhere.toml"))

    assert (done.code, done.err) == (0, "")


def test_a_settings_file_of_the_environment_that_is_not_there_is_told(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.toml")

    done = call("validate", environment={"RECONCILER_CONFIG": nowhere})

    assert done.code == 2
    assert done.err.startswith(f"{nowhere}: cannot be read: ")


@pytest.mark.parametrize(
    ("words", "said", "expected"),
    [
        ((), "", False),
        ((), "0", False),
        ((), "1", True),
        ((), "true", True),
        (("--debug",), "", True),
        (("--debug",), "0", True),
    ],
)
def test_tracebacks_may_be_asked_for_by_the_environment(
    tmp_path: Path, words: tuple[str, ...], said: str, *, expected: bool
) -> None:
    done = execute(*words, "plan", environment={"RECONCILER_DEBUG": said}, folder=tmp_path)

    assert done.code == 2
    assert "error: no ./reconciler.toml here; " in done.err
    assert ("Traceback" in done.err) is expected
