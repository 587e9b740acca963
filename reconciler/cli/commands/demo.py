"""`demo`: a fleet on this machine, and what a commit does to it."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

import click

from reconciler.cli.render import say


@click.command("demo")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def demo_command(output: str) -> int:
    """Start a fleet of three hosts, commit a version, and check every claim that is made.

    Nothing but this machine is touched, and nothing is left behind. Exit code 0 only when all
    that was said was seen.
    """
    from reconciler.cli.demo.play import play  # noqa: PLC0415 (needs the extra `lab`)

    quiet = output == "json"
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kanade-demo-") as folder:
        figures, claims = asyncio.run(play(Path(folder), (lambda _: None) if quiet else say))
    if quiet:
        say(json.dumps(figures.as_json(), indent=2))
    else:
        seconds = time.monotonic() - started
        say(f"\n{len(claims.held)} claims, each checked, in {seconds:.0f} s")
    return 0
