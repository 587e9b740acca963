"""`permissions`: what a NATS user needs, as nats-server reads it."""

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.render import say
from reconciler.cli.roles import Role, permissions_text


@click.command("permissions", short_help="Print what a NATS user needs, for nats-server.")
@click.argument("role", type=click.Choice([str(role) for role in Role]))
@click.pass_obj
def permissions_command(invocation: Invocation, role: str) -> None:
    """Print what a NATS user needs in ROLE, for nats-server to include.

    The subjects that the settings have events sent to are part of a controller's.
    """
    say(permissions_text(invocation.settings(), Role(role)).rstrip("\n"))
