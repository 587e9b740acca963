"""`reconcile` against a controller of its own process, and `completion` in a real shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.cli.published import publish
from tests.support import small_fleet
from tests.support.command_line import call
from tests.support.processes import wait_for


def test_the_controller_looks_and_says_how_far_it_is(kanade: Office) -> None:
    with kanade.started("run") as controller:
        wait_for(controller, "leading")
        files = small_fleet.files("1.1.0")
        revision = kanade.repository.commit(files, message="Ask for tool 1.1.0")[:12]

        done = kanade.call("reconcile", "--timeout", "2m")

        assert (done.code, done.err) == (0, "")
        assert done.out == f"revision {revision}: 0 of 2 hosts proved\n"
        for seconds in (1, 5, 25):  # in which the controller must have answered
            done = kanade.call("reconcile", "tool", "--wait", "--timeout", f"{seconds}s")
            if done.code != 4:
                break
        assert done.code == 6
        kanade.call("suspend", "tool", "--reason", "lunch")
        held = kanade.call("reconcile", "tool", "--wait", "--timeout", "2m")
        assert (held.code, held.err.split(" by ")[0]) == (6, "held: tool: Suspended: suspended")


def test_a_bad_commit_is_told(kanade: Office) -> None:
    with kanade.started("run") as controller:
        wait_for(controller, "leading")
        text = str(small_fleet.files("1.0.0")["releases/tool.yaml"])
        kanade.repository.commit({"releases/tool.yaml": text.replace('"1.0.0"', "1.10", 1)})

        done = kanade.call("reconcile", "--wait", "--timeout", "2m")

    assert done.code == 6
    assert done.err.startswith("held: InvalidDesiredState: releases/tool.yaml:4:10: ")


def test_nobody_answers(kanade: Office) -> None:
    publish(kanade)

    done = kanade.call("reconcile", "--timeout", "1s")

    assert done.code == 4
    assert "has answered; see: reconciler run" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("timeout", ["soon", ""])
def test_a_timeout_that_is_none(kanade: Office, timeout: str) -> None:
    done = kanade.call("reconcile", "--timeout", timeout)

    assert done.code == 2
    assert "expected a duration like 90s" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str) -> None:
    done = call("completion", shell)

    assert (done.code, done.err) == (0, "")
    assert "_RECONCILER_COMPLETE" in done.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.out.encode(), check=True, timeout=120)


def test_bash_completes_a_verb(tmp_path: Path) -> None:
    program = tmp_path / "reconciler"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    program.chmod(0o755)
    script = call("completion", "bash").out + (
        "\nCOMP_WORDS=(reconciler his); COMP_CWORD=1\n_reconciler_completion reconciler\n"
        'echo "${COMPREPLY[@]}"\n'
    )

    done = subprocess.run(
        ["bash", "--norc"],
        input=script,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout == "history\n"
