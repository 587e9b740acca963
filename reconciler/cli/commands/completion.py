"""`completion`: what makes a shell complete our verbs and options."""

import click
from click.shell_completion import get_completion_class

from reconciler.cli.render import say

VARIABLE = "_RECONCILER_COMPLETE"
"""Set by the script when it asks us for completions."""

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print what makes a shell complete these commands.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print a script for SHELL; put into its start-up file: eval "$(reconciler completion bash)".

    For fish: reconciler completion fish | source.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"{shell} is none that can be completed for")
    say(kind(context.find_root().command, {}, "reconciler", VARIABLE).source().rstrip())
