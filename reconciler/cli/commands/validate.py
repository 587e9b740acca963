"""`validate`: all faults of a desired state, without a fleet."""

import asyncio
from pathlib import Path

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.links import open_source
from reconciler.cli.render import complain, say
from reconciler.cli.working_tree import snapshot_of_folder
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.desired import Desired


@click.command("validate")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def validate_command(invocation: Invocation, folder: Path | None) -> int:
    """Check a desired state and say everything that is wrong with it.

    FOLDER is a folder on disk, committed or not; without it, the newest revision of the
    configured repository is checked. Exit code 2 when there are faults.
    """
    try:
        desired = _from_folder(folder) if folder is not None else _from_source(invocation)
    except InvalidDesiredState as error:
        for fault in error.faults:
            complain(str(fault))
        count = len(error.faults)
        complain(f"{count} fault{'s' if count != 1 else ''}")
        return error.exit_code
    for note in desired.notes:
        complain(f"note: {note}")
    releases, jobs, hosts = len(desired.releases), len(desired.jobs), len(desired.hosts)
    say(f"valid: {releases} releases, {jobs} further jobs, {hosts} hosts")
    return 0


def _from_folder(folder: Path) -> Desired:
    return load(snapshot_of_folder(folder))


def _from_source(invocation: Invocation) -> Desired:
    settings = invocation.settings()

    async def fetch() -> Desired:
        with open_source(settings) as source:
            return load(await source.fetch())

    return asyncio.run(fetch())
