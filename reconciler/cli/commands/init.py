"""`init`: a first desired state and its settings, by a few questions or by flags."""

import os
import shlex
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import click
from click.core import ParameterSource

from reconciler.cli.beginning.answers import EVERYTHING, SHELLS, Answers, ask
from reconciler.cli.beginning.desired_state import RELEASE, state_files
from reconciler.cli.beginning.settings_text import CACHE, STATE, secrets_of, settings_text
from reconciler.cli.new_files import write_files
from reconciler.cli.render import complain, counted, say
from reconciler.cli.settings import DEFAULT_FILE, load_settings
from reconciler.cli.working_tree import snapshot_of_texts
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState, UsageError


@click.command("init", short_help="Write a first desired state and reconciler.toml.")
@click.argument("folder", default=Path(), type=click.Path(path_type=Path, file_okay=False))
@click.option("--nats", default="nats://127.0.0.1:4222", help="Where NATS is.")
@click.option(
    "--nats-token",
    default="KANADE_NATS_TOKEN",
    metavar="VARIABLE",
    help="The environment variable that holds its token; empty for none.",
)
@click.option("--backend", default="", help="kanade's backend; empty: everything goes over NATS.")
@click.option(
    "--backend-token",
    default="KANADE_BACKEND_TOKEN",
    metavar="VARIABLE",
    help="The environment variable that holds the controller's token.",
)
@click.option("--download-url", default="", help="The backend, as hosts reach it.")
@click.option(
    "--viewer-token",
    default="KANADE_VIEWER_TOKEN",
    metavar="VARIABLE",
    help="The environment variable that holds the token which hosts download with: a viewer's.",
)
@click.option("--host", "hosts", multiple=True, metavar="PC_ID", help="A host; any number.")
@click.option(
    "--one-machine", is_flag=True, help="All hosts are the machine that serves downloads."
)
@click.option("--shell", type=click.Choice(SHELLS), default="sh", help="What runs scripts there.")
@click.option("--version", default="", help="The version that they run today.")
@click.option(
    "--artifact",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file of that version, for its sha256; without it the release begins suspended.",
)
@click.option("--repository", default="", help="The git repository; empty: FOLDER.")
@click.option("--lab", is_flag=True, help="No production: well-known secrets are taken.")
@click.option("--yes", is_flag=True, help="Do not ask; what is not said is as shown by the help.")
def init_command(folder: Path, *, yes: bool, **said: object) -> None:
    """Write a first desired state and reconciler.toml into FOLDER, the current one if left out.

    The desired state is our own sample: a release of kanade-backend, the job that installs it,
    one that probes, and their scripts. What is not given by an option is asked for. Nothing that
    exists is overwritten, and nothing is sent anywhere.
    """
    folder = folder.resolve()
    _refuse_to_overwrite(folder)
    context, default = click.get_current_context(), ParameterSource.DEFAULT
    asked = {name for name in said if context.get_parameter_source(name) is default}
    answers = Answers(**said)  # type: ignore[arg-type]  # click has made them what they are
    if not yes:
        try:
            answers = _asked(answers, asked, folder)
        except click.Abort:
            if sys.stdin.isatty():
                raise
            raise UsageError("nobody answers: say it all by options, and --yes") from None
    files = _files(answers, folder)
    write_files(folder, files)
    say(f"{folder}: {DEFAULT_FILE} and {counted(len(files) - 2, 'file')} in {STATE}/")
    say("next:")
    for line in _next(answers, folder):
        say(f"  {line}")


def _asked(answers: Answers, asked: Collection[str], folder: Path) -> Answers:
    """Ask until what was said makes a desired state: from the second time on for everything."""
    while True:
        answers = ask(answers, asked)
        try:
            _files(answers, folder)
        except (UsageError, InvalidDesiredState) as error:
            complain(f"{error}\nonce more:")
            asked = EVERYTHING
        else:
            return answers


def _refuse_to_overwrite(folder: Path) -> None:
    for name in (str(DEFAULT_FILE), STATE, CACHE):
        if os.path.lexists(folder / name):
            raise UsageError(f"{folder / name}: it exists already; name another folder")


def _files(answers: Answers, folder: Path) -> Mapping[str, str]:
    """Return all files, found without fault.

    Raises:
        UsageError: an answer is missing, or cannot be a setting.
        InvalidDesiredState: one cannot be part of a desired state.
    """
    _refuse_gaps(answers)
    state = state_files(answers)
    load(snapshot_of_texts(state))
    settings = settings_text(answers, folder)
    _check_settings(settings, folder)
    return {
        **{f"{STATE}/{name}": text for name, text in state.items()},
        f"{CACHE}/.gitignore": "*\n",
        str(DEFAULT_FILE): settings,
    }


def _refuse_gaps(answers: Answers) -> None:
    if not answers.hosts:
        raise UsageError("no host is named: --host PC_ID, once for each")
    if not answers.version:
        raise UsageError("it is not said which version the hosts run: --version")
    if not answers.source_url:
        raise UsageError("hosts download packages from somewhere: --backend or --download-url")
    if answers.loopback and len(answers.hosts) > 1 and not answers.one_machine:
        raise UsageError(
            f"{answers.source_url} is only reached from its own machine: say by --download-url "
            "what the hosts reach, or --one-machine where they are all that one"
        )


def _check_settings(text: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, DEFAULT_FILE)
        file.write_text(text, "utf-8")
        try:
            load_settings(file, (), {"HOME": str(Path.home())})
        except UsageError as error:
            raise UsageError(str(error).replace(place, str(folder))) from error


def _next(answers: Answers, folder: Path) -> Iterator[str]:
    """Yield what to type now, in order."""
    if folder != Path.cwd():
        yield f"cd {shlex.quote(str(folder))}"
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        yield "git init --initial-branch main"
    if answers.artifact is None:
        what = f"{RELEASE} {answers.version} --artifact FILE --folder {STATE}"
        yield f"reconciler bump {what} --no-commit"
        yield f"# and take suspend: true out of {STATE}/releases/{RELEASE}.yaml"
    yield f'git add {DEFAULT_FILE} {STATE} && git commit --message "Begin"'
    if answers.repository:
        yield f"git push     # to {answers.repository}"
    variables = sorted(set(secrets_of(answers).values()))
    if variables:
        yield f"export {' '.join(f'{name}=...' for name in variables)}"
    yield "reconciler check"
    yield "reconciler plan"
