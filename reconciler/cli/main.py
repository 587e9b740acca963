"""The command `reconciler`: options that all verbs share, and how errors leave the program."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from reconciler.cli import exits
from reconciler.cli.commands.apply import apply_command
from reconciler.cli.commands.approve import approve_command
from reconciler.cli.commands.bump import bump_command
from reconciler.cli.commands.check import check_command
from reconciler.cli.commands.demo import demo_command
from reconciler.cli.commands.get import get_group
from reconciler.cli.commands.lab import lab_command
from reconciler.cli.commands.plan import plan_command
from reconciler.cli.commands.retry import retry_command
from reconciler.cli.commands.run import run_command
from reconciler.cli.commands.suspend import resume_command, suspend_command
from reconciler.cli.commands.validate import validate_command
from reconciler.cli.commands.version import version_command
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import complain
from reconciler.errors import ReconcilerError, TransientError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file; ./reconciler.toml when left out.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting, such as source.url=/srv/fleet.git; stronger than file and environment.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def cli(
    context: click.Context, config: Path | None, overrides: tuple[str, ...], *, debug: bool
) -> None:
    """Declarative GitOps for kanade fleets: commit a version, see it proved on every host."""
    context.obj = Invocation(config=config, overrides=overrides, debug=debug)


for _command in (
    run_command,
    plan_command,
    apply_command,
    validate_command,
    get_group,
    approve_command,
    suspend_command,
    resume_command,
    retry_command,
    bump_command,
    check_command,
    demo_command,
    lab_command,
    version_command,
):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(run(lambda: cli.main(standalone_mode=False)))


def run(command: Callable[[], object]) -> int:
    """Run *command* and return the exit code; every error is a line or two, never a traceback."""
    try:
        result = command()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _told("interrupted", exits.INTERRUPTED)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: BaseException) -> int:
    """Tell a deliberate error in its own words, and anything else as the bug that it is."""
    inner = _innermost(error)
    if "--debug" in sys.argv:
        traceback.print_exception(error)
    if not isinstance(inner, ReconcilerError):
        words = f"{type(inner).__name__}: {inner}"
        return _told(f"bug: {words}\nplease report it, with what --debug adds", exits.BUG)
    hint = "; it may pass: try again" if isinstance(inner, TransientError) else ""
    return _told(f"error: {inner}{hint}", inner.exit_code)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _told(message: str, code: int) -> int:
    complain(message)
    return code
