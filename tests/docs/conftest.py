"""Where the documentation's commands are run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT, Block, commands_of, missing

PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Mika"), ("EMAIL", "mika@example.com"))
}


@pytest.fixture
def desired_state(tmp_path: Path) -> Path:
    """Our own sample, in a folder where it may be changed, with the examples beside it."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return Path(shutil.copytree(ROOT / "desired-state", tmp_path / "desired-state"))


def run_console(block: Block, folder: Path) -> None:
    """Run a block's commands; each must end as it says, and print what is shown."""
    expected = int(block.option("exit") or 0)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **PERSON, "PATH": path, "COLUMNS": "100"}
    for command, shown in commands_of(block):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == expected, f"{block.where}: $ {command}\n{done.stdout}"
        lacks = missing(shown, done.stdout)
        assert lacks is None, f"{block.where}: $ {command}\n{done.stdout}\nlacks: {lacks}"
