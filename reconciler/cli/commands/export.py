"""`export`: a live kanade as a desired-state folder; nothing is changed there."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import click

from reconciler.cli.export.hosts import declarable, hosts_part
from reconciler.cli.export.jobs import jobs_part
from reconciler.cli.export.live import Known, Live, ask_backend, read_live
from reconciler.cli.export.part import DRAFTS
from reconciler.cli.export.releases import releases_part
from reconciler.cli.invocation import Invocation
from reconciler.cli.links import open_backend, open_connection
from reconciler.cli.new_files import refuse_used, write_files
from reconciler.cli.render import complain, counted, say
from reconciler.cli.settings import Settings
from reconciler.cli.working_tree import snapshot_of_texts
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState, KanadeRefused

_HEARTBEAT_AND_A_BIT = 35


@click.command("export", short_help="Write what is live in kanade as a desired state.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--force", is_flag=True, help="Write into a folder that is not empty, over its files."
)
@click.option(
    "--listen",
    type=click.IntRange(0, 3600),
    help="Seconds to listen for hosts; 0 where the backend names them, else 35, "
    "a little more than they are silent between heartbeats.",
)
@click.pass_obj
def export_command(
    invocation: Invocation, folder: Path, listen: int | None, *, force: bool
) -> None:
    """Write what is live in kanade to FOLDER, as a desired state that has nothing to do.

    Jobs keep their comments; hosts carry their groups as labels. What cannot be in force as it
    is, and releases, since kanade does not know who they are for, become drafts to be completed.
    Secrets are left out. Nothing is changed in kanade.
    """
    if not force:
        refuse_used(folder)
    live = asyncio.run(_read(invocation.settings(), listen))
    jobs, hosts, releases = jobs_part(live), hosts_part(live.observed), releases_part(live)
    files = {**hosts.files, **jobs.files, **releases.files}
    if not files:
        raise KanadeRefused(
            "kanade has no jobs and knows no hosts: there is nothing to export; "
            "begin with: reconciler init"
        )
    write_files(folder, files)
    for note in (*jobs.notes, *hosts.notes, *releases.notes, *_faults(files)):
        complain(f"note: {note}")
    say(_summary(folder, files, live))
    say(f"next: reconciler validate {folder}")


async def _read(settings: Settings, listen: int | None) -> Live:
    async with open_connection(settings) as connection:
        async with open_backend(settings) as backend:
            known = await ask_backend(backend) if backend is not None else Known()
        if known.trouble:
            complain(f"note: {known.trouble}; what it alone knows is missing: hosts that are off")
        named = known.hosts is not None
        seconds = (0 if named else _HEARTBEAT_AND_A_BIT) if listen is None else listen
        if seconds:
            complain(f"listening for hosts, {seconds} s")
        return await read_live(connection, known, timedelta(seconds=seconds))


def _faults(files: Mapping[str, str]) -> tuple[str, ...]:
    """Say what keeps the files from being a desired state, all of them together."""
    try:
        load(snapshot_of_texts(files))
    except InvalidDesiredState as error:
        return tuple(map(str, error.faults))
    return ()


def _summary(folder: Path, files: Mapping[str, str], live: Live) -> str:
    def count(start: str, noun: str) -> str:
        return counted(sum(path.startswith(f"{start}/") for path in files), noun)

    hosts = counted(len(declarable(live.observed)), "host")
    drafts = [count(f"{DRAFTS}/{kind}s", f"draft {kind}") for kind in ("job", "release")]
    return f"{folder}: {count('jobs', 'job')}, {hosts}, {', '.join(drafts)}"
