"""`version`: which reconciler this is."""

import click

from reconciler import __version__
from reconciler.cli.render import say


@click.command("version", short_help="Print the version.")
def version_command() -> None:
    """Print the version."""
    say(f"kanade-reconciler {__version__}")
