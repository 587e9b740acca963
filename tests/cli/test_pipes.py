"""Commands as processes of their own: into pipes, and on terminals."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.cli.published import publish
from tests.support.processes import SECONDS

pytestmark = pytest.mark.slow

ESCAPE = b"\x1b"


def test_the_console_script_and_the_module_are_the_same(office: Office) -> None:
    script = Path(sys.executable).with_name("reconciler")

    done = subprocess.run([script, "version"], capture_output=True, text=True, check=True)

    assert done.stdout == office.execute("version").out == "kanade-reconciler 0.1.0\n"


def test_debug_adds_the_traceback_and_nothing_else_does(office: Office) -> None:
    plain, debug = office.execute("plan"), office.execute("--debug", "plan")

    assert (plain.code, plain.err.count("\n")) == (4, 1)
    assert "Traceback (most recent call last)" in debug.err
    assert debug.err.endswith(plain.err)


@pytest.mark.parametrize("words", ["get releases -o json", "plan -o yaml", "check"])
def test_a_reader_who_has_had_enough_is_no_fault(kanade: Office, words: str) -> None:
    """As with `| head -1`: no traceback, and the exit code is the command's own."""
    publish(kanade)
    code = kanade.execute(*words.split()).code
    with kanade.started(*words.split()) as process:
        assert process.stdout is not None
        process.stdout.close()

        _, err = process.communicate(timeout=SECONDS)

    assert (code, b"") == (process.returncode, err)


@pytest.mark.parametrize("refused", ["", "1"])
def test_a_log_on_a_terminal_is_for_people(kanade: Office, refused: str) -> None:
    terminal = kanade.terminal("run", NO_COLOR=refused)
    terminal.read_until(b"leading")
    terminal.process.send_signal(signal.SIGTERM)

    assert terminal.end() == 0
    assert (ESCAPE in terminal.seen) is not bool(refused)
    assert not terminal.seen.startswith(b"{")


@pytest.mark.parametrize("words", ["get releases", "get hosts -o json", "plan", "validate"])
def test_a_table_on_a_terminal_has_no_colour_to_miss(kanade: Office, words: str) -> None:
    publish(kanade)
    terminal = kanade.terminal(words)

    terminal.end()

    assert terminal.seen
    assert ESCAPE not in terminal.seen
