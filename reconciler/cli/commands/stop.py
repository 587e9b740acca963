"""`stop`: the red button: nothing more of a release starts, and what runs is killed."""

import asyncio
from datetime import datetime, timedelta

import click

from reconciler.cli import exits
from reconciler.cli.desk import Desk, open_desk
from reconciler.cli.halt import Fate, Halt, halt
from reconciler.cli.invocation import Invocation
from reconciler.cli.reason import reason_option
from reconciler.cli.render import complain, say
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Suspension
from reconciler.model.status import Event
from reconciler.state.events import EventLog

_PATIENCE = timedelta(seconds=10)


@click.command("stop", short_help="Stop a release at once, and kill what runs.")
@click.argument("name")
@reason_option
@click.pass_obj
def stop_command(invocation: Invocation, name: str, reason: str) -> int:
    """Stop the release NAME at once: suspend it, kill what runs, take back what has not begun.

    A host whose install was killed is not touched again before somebody says `retry`. Exit code 6
    when a host has not answered, or no controller has confirmed it.
    """

    async def stop() -> Halt:
        async with open_desk(invocation.settings()) as desk:
            release, by, now = desk.known(name), invocation.user(), desk.clock.now()
            suspension = Suspension(release=release, by=by, reason=reason, since=now)
            await desk.book.suspend(suspension)
            say(f"{name} is suspended")
            found = await halt(desk, release, _PATIENCE)
            await _tell(desk, release, f"{by} stopped it: {reason}; {_told(found)}", now)
            return found

    found = asyncio.run(stop())
    for (host, purpose), fate in sorted(found.fates.items()):
        say(f"  {host}: {purpose}: {fate}")
    if not found.confirmed:
        complain("no controller has confirmed it yet; one that starts will find it suspended")
    say(f"reconciler resume {name} lets it go on")
    return exits.DONE if found.done else exits.HELD


async def _tell(desk: Desk, release: ReleaseName, message: str, now: datetime) -> None:
    event = Event(at=now, kind="Stopped", message=message, release=release, severity="error")
    await EventLog(desk.connection).publish([event])


def _told(found: Halt) -> str:
    fates = list(found.fates.values())
    counts = (f"{fates.count(fate)} {fate}" for fate in Fate if fate in fates)
    return ", ".join(counts) or "nothing of it was under way"
