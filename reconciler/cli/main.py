"""The command `reconciler`: options that all verbs share, and how errors leave the program."""

import os
import sys
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

import click

from reconciler.cli import exits
from reconciler.cli.collector import expect_many_values
from reconciler.cli.commands.completion import VARIABLE
from reconciler.cli.invocation import Invocation
from reconciler.cli.logs import configure
from reconciler.cli.render import complain, counted
from reconciler.cli.settings import InvalidSettings, LogFormat, LogLevel, LogSettings
from reconciler.cli.verbs import Verbs
from reconciler.errors import InvalidDesiredState, ReconcilerError, TransientError, first_of

_DEBUG = "RECONCILER_DEBUG"


@click.group(
    commands=Verbs(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="RECONCILER_CONFIG",
    show_envvar=True,
    help="The settings file; ./reconciler.toml when left out.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting, such as source.url=/srv/fleet.git; stronger than file and environment.",
)
@click.option(
    "--debug", is_flag=True, envvar=_DEBUG, show_envvar=True, help="Show tracebacks of errors."
)
@click.pass_context
def cli(
    context: click.Context, config: Path | None, overrides: tuple[str, ...], *, debug: bool
) -> None:
    """Declarative GitOps for kanade fleets: commit a version, see it proved on every host.

    A release in git names a version of a package, and the hosts that are to run it. A host is
    proved once its probe has seen that version's very bytes run; where there is no probe, once
    its script has reported the version. `demo` shows it all on this machine; `init` begins with
    nothing, and `export` with the fleet that you have.
    """
    configure(LogSettings(format=LogFormat.AUTO, level=LogLevel.WARNING))
    context.obj = Invocation(config=config, overrides=overrides, debug=debug)


_DRY = frozenset({"--dryrun", "--dry-run", "--dry"})


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that this terminal has no letters for is spelled out, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    expect_many_values()
    sys.exit(run(lambda: cli.main(standalone_mode=False, complete_var=VARIABLE)))


def run(command: Callable[[], object]) -> int:
    """Run *command* and return the exit code; every error is a line or two, never a traceback."""
    try:
        result = command()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        return _printed(f"error: {message}{_see(error)}", error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _printed("interrupted", exits.INTERRUPTED)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: BaseException) -> int:
    """Print a deliberate error with its own message, and anything else as the bug that it is.

    Faults begin with their place, as compilers' do, so that editors and CI find it.
    """
    inner = first_of(error) if isinstance(error, BaseExceptionGroup) else error
    if _wants_tracebacks():
        traceback.print_exception(error)
    if isinstance(inner, InvalidDesiredState | InvalidSettings):
        return _printed(f"{inner}\n{counted(len(inner.faults), 'fault')}", inner.exit_code)
    if not isinstance(inner, ReconcilerError):
        message = f"{type(inner).__name__}: {inner}"
        return _printed(f"bug: {message}\nplease report it, with what --debug adds", exits.BUG)
    hint = "; it may pass: try again" if isinstance(inner, TransientError) else ""
    return _printed(f"error: {inner}{hint}", inner.exit_code)


def _wants_tracebacks() -> bool:
    """True also where the command line could not be read, so that nobody has its options."""
    if "--debug" in sys.argv:
        return True
    try:
        return bool(click.BOOL.convert(os.environ.get(_DEBUG, "").strip() or "no", None, None))
    except click.BadParameter:
        return False


def _see(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.option_name in _DRY:
        return " To see what would be done: reconciler plan"
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" (see: {context.command_path} --help)" if context is not None else ""


def _printed(message: str, code: int) -> int:
    complain(message)
    return code
