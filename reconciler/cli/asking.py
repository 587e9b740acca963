"""Questions to the person at the command line."""

import sys

import click

from reconciler.errors import UsageError


def agrees(question: str) -> bool:
    """Ask, and return whether the answer is yes.

    Raises:
        UsageError: nobody can answer.
    """
    try:
        return click.confirm(question)
    except click.Abort as abort:
        if sys.stdin.isatty() or not isinstance(abort.__context__, EOFError):
            raise
        click.echo()
        raise UsageError(f"nobody has answered {question!r}; --yes does not ask") from None
