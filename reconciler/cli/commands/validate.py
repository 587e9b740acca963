"""`validate`: all faults of a desired state, without a fleet."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli import exits
from reconciler.cli.invocation import Invocation
from reconciler.cli.links import open_source
from reconciler.cli.render import Output, complain, counted, data, say
from reconciler.cli.settings import Settings
from reconciler.cli.watching import WHOLE
from reconciler.cli.working_tree import snapshot_of_folder
from reconciler.desired.load import load
from reconciler.desired.validate import sorted_faults
from reconciler.desired.wording import did_you_mean
from reconciler.errors import Fault, InvalidDesiredState
from reconciler.model.desired import Desired, SecretRef


@click.command("validate", short_help="Check a desired state for every fault, without a fleet.")
@click.argument(
    "folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@WHOLE
@click.pass_obj
def validate_command(invocation: Invocation, folder: Path | None, kind: Output) -> int:
    """Check a desired state and say everything that is wrong with it.

    FOLDER is a folder on disk, committed or not; without it, the newest revision of the
    configured repository is checked. Exit code 2 when there are faults.
    """
    try:
        found = _of(_from_folder(folder) if folder is not None else _from_source(invocation))
    except InvalidDesiredState as error:
        if not kind.is_data:
            raise
        found = _Validity(valid=False, faults=tuple(map(_place, error.faults)))
    if kind.is_data:
        say(data(found, kind))
    else:
        _tell(found)
    return exits.DONE if found.valid else InvalidDesiredState.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One fault; line and column count from 1, and are 0 where it is about the file as a whole."""

    file: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Validity:
    """What `-o json` says."""

    valid: bool
    faults: tuple[_Place, ...] = ()
    notes: tuple[str, ...] = ()
    releases: int = 0
    jobs: int = 0
    """Those of no release."""
    hosts: int = 0


def _of(desired: Desired) -> _Validity:
    return _Validity(
        valid=True,
        notes=tuple(map(str, desired.notes)),
        releases=len(desired.releases),
        jobs=len(desired.jobs),
        hosts=len(desired.hosts),
    )


def _place(fault: Fault) -> _Place:
    where = fault.position
    return _Place(file=where.file, line=where.line, column=where.column, message=fault.message)


def _tell(found: _Validity) -> None:
    for note in found.notes:
        complain(f"note: {note}")
    releases = counted(found.releases, "release")
    jobs, hosts = counted(found.jobs, "further job"), counted(found.hosts, "host")
    say(f"valid: {releases}, {jobs}, {hosts}")


def _undeclared(desired: Desired, settings: Settings) -> Iterator[Fault]:
    """Yield the secrets that a release names and these settings do not know."""
    for release in desired.releases:
        for knob, value in release.script.knobs.items():
            if isinstance(value, SecretRef) and value.name not in settings.secrets:
                hint = did_you_mean(value.name, settings.secrets)
                hint = hint or f'; write [secrets.{value.name}] with env = "NAME"'
                message = f"script.knobs.{knob}: secret {value.name} is not in the settings{hint}"
                yield Fault(release.position, message)


def _from_folder(folder: Path) -> Desired:
    return load(snapshot_of_folder(folder))


def _from_source(invocation: Invocation) -> Desired:
    settings = invocation.settings()

    async def fetch() -> Desired:
        with open_source(settings) as source:
            desired = load(await source.fetch())
        undeclared = sorted_faults(list(_undeclared(desired, settings)))
        if undeclared:
            raise InvalidDesiredState(undeclared)
        return desired

    return asyncio.run(fetch())
