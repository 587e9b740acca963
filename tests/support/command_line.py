"""The command line as its users have it: in this process, or as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from click import formatting
from click.testing import CliRunner

from reconciler.cli.main import cli, run


@dataclass(frozen=True, slots=True)
class Done:
    """What a command has left: its exit code, and what it printed."""

    code: int
    out: str
    err: str


def call(*arguments: str, environment: Mapping[str, str] | None = None, given: str = "") -> Done:
    """Run a command in this process, as `main` does; not for use inside of an event loop."""
    with CliRunner().isolation(input=given, env=environment) as (out, err, _):
        formatting.FORCED_WIDTH = None  # as wide as COLUMNS says; restored at the end
        try:
            code = run(lambda: cli.main(list(arguments), "reconciler", standalone_mode=False))
        finally:
            structlog.reset_defaults()
        return Done(code, out.getvalue().decode(), err.getvalue().decode())


def command(*arguments: str) -> list[str]:
    """Return the words that start a process of its own."""
    return [sys.executable, "-m", "reconciler", *arguments]


def execute(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    patience: float = 120,
) -> Done:
    """Run a command as a process of its own, for *patience* seconds at most."""
    done = subprocess.run(
        command(*arguments),
        env={**os.environ, **(environment or {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=patience,
        text=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)
