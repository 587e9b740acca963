"""The command line, as click knows it."""

from collections.abc import Iterator

import click

from docs.generate.markdown import code, table
from reconciler.cli.main import cli

_HEAD = """\
# Commands

`reconciler [--config FILE] [--set KEY=VALUE] [--debug] COMMAND`. Exit codes are the same for all of
them: [exit-codes.md](exit-codes.md). In the environment RECONCILER_CONFIG and RECONCILER_DEBUG
stand for `--config` and `--debug`, which are stronger.

"""


def commands() -> str:
    """Return the page."""
    return _HEAD + "\n".join(_sections("reconciler", cli))


def _sections(prefix: str, group: click.Group) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _sections(f"{prefix} {name}", command)
        else:
            yield _section(f"{prefix} {name}", command)


def _section(title: str, command: click.Command) -> str:
    # The root's words for help hold for all; click remembers those of the first who asks.
    context = click.Context(command, info_name=title, **cli.context_settings)
    usage = " ".join(piece for piece in command.collect_usage_pieces(context) if piece)
    help_text = "\n".join(line.strip() for line in (command.help or "").splitlines()).strip()
    rows = [row for item in command.params if (row := _row(item, context))]
    options = f"\n{table(('option', 'what it does'), rows)}" if rows else ""
    return f"## {title}\n\n`{title} {usage}`\n\n{help_text}\n{options}"


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    found = parameter.get_help_record(context)
    return (code(found[0].replace("|", "/")), found[1]) if found else None
