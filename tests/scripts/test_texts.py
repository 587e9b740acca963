"""What must be true of the scripts' own texts, whoever runs them."""

import subprocess

import pytest

from tests.scripts.host import SCRIPTS

SHELL_SCRIPTS = ["deploy-backend.sh", "probe-backend.sh"]
KNOBS = [
    "AGENT_SOURCE_URL",
    "AGENT_SOURCE_VERSION",
    "AGENT_SOURCE_SHA256",
    "AGENT_SOURCE_AUTH_TOKEN",
]
KNOBS += ["DEAD_MAN_SECONDS"]
LONGEST_ARGUMENT = 128 * 1024
"""Bytes, on Linux (MAX_ARG_STRLEN); kanade's agent hands a whole script to `sh -c`."""


def text(script: str) -> str:
    """Return a script as it is in the repository."""
    return (SCRIPTS / script).read_text("utf-8")


@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_of_the_deploy_script_is_set_in_one_place_and_empty(knob: str) -> None:
    lines = text("deploy-backend.sh").splitlines()

    assert lines.count(f"{knob}=''") == 1
    assert len([line for line in lines if line.startswith(f"{knob}=")]) == 1


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
@pytest.mark.parametrize("shell", [["dash"], ["bash", "--posix"]])
def test_a_shell_can_read_it(script: str, shell: list[str]) -> None:
    done = subprocess.run([*shell, "-n", SCRIPTS / script], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
def test_it_is_short_enough_to_be_one_argument(script: str) -> None:
    assert len(text(script).encode()) < LONGEST_ARGUMENT / 2


def test_both_scripts_find_the_running_image_in_the_same_way() -> None:
    shared = [
        text(script).partition("# ---- The service and")[2].partition("# ---- The end of")[0]
        for script in SHELL_SCRIPTS
    ]

    assert shared[0] == shared[1]
    assert "find_image()" in shared[0]
