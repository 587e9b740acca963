"""Our own command line, run as a person would, and what it prints."""

import asyncio
import os
import shlex
import sys

from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.stage import Stage
from reconciler.cli.render import width

_INDENT = " " * 5


async def show(
    stage: Stage,
    claims: Claims,
    *arguments: str,
    expected: int = 0,
    last_line_only: bool = False,
) -> str:
    """Run a command, show what it prints, claim its exit code, and return what it printed."""
    claims.note(f"$ reconciler {shlex.join(arguments)}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reconciler", "--config", str(stage.config), *arguments,
        env={**os.environ, "COLUMNS": str(width() - len(_INDENT))}, cwd=stage.config.parent,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    text = output.decode("utf-8", "replace")
    for line in text.splitlines()[-1 if last_line_only else 0 :]:
        claims.note(f"{_INDENT}{line}".rstrip())
    code = process.returncode
    claims.hold(f"`{arguments[0]}` leaves with exit code {expected}", true=code == expected)
    return text
