"""`demo`: a fleet on this machine, and what a commit does to it."""

import asyncio
import json
import tempfile
from pathlib import Path

import click

from reconciler.cli.ending import until_told_to_end
from reconciler.cli.render import say

_SCENARIOS = ("tour", "rollback", "approval", "waves")


@click.command("demo", short_help="Start a fleet here, commit versions, and check each claim.")
@click.option(
    "--scenario",
    type=click.Choice(_SCENARIOS),
    default="tour",
    show_default=True,
    help="A bump, a repair and a refusal; or one of the three in depth.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def demo_command(scenario: str, output: str) -> int:
    """Start a fleet on this machine, commit a version, and check every claim that is made.

    Nothing but this machine is touched, and nothing is left behind. Exit code 0 only when all
    that was said was seen.
    """
    from reconciler.cli.demo.play import Scenario, play  # noqa: PLC0415 (needs the extra `lab`)

    quiet = output == "json"
    with tempfile.TemporaryDirectory(prefix="kanade-demo-") as folder:
        try:
            played = asyncio.run(
                until_told_to_end(
                    play(Scenario(scenario), Path(folder), (lambda _: None) if quiet else say)
                )
            )
        except asyncio.CancelledError:
            raise click.Abort from None
    if quiet:
        say(json.dumps(played.as_json(), indent=2))
    else:
        count, seconds = len(played.claims.held), f"{played.seconds:.0f} s"
        start = f"{played.start_seconds:.0f} s"
        say(f"\n{count} claims, each checked, in {seconds}; the fleet was up in {start}")
    return 0
