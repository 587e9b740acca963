"""`stop`: the red button: nothing more of a release starts, and what runs is killed."""

import asyncio
from datetime import datetime, timedelta

import click

from reconciler.cli import exits
from reconciler.cli.halt import Halt, StopResult, halt
from reconciler.cli.invocation import Invocation
from reconciler.cli.reason import reason_option
from reconciler.cli.render import complain, say
from reconciler.cli.status_client import StatusClient, open_status_client
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
        async with open_status_client(invocation.settings()) as client:
            release, by, now = client.known(name), invocation.user(), client.clock.now()
            suspension = Suspension(release=release, by=by, reason=reason, since=now)
            await client.book.suspend(suspension)
            say(f"{name} is suspended")
            found = await halt(client, release, _PATIENCE)
            await _tell(client, release, f"{by} stopped it: {reason}; {_told(found)}", now)
            return found

    found = asyncio.run(stop())
    for (host, purpose), result in sorted(found.results.items()):
        say(f"  {host}: {purpose}: {result}")
    if not found.confirmed:
        complain("no controller has confirmed it yet; one that starts will find it suspended")
    say(f"reconciler resume {name} lets it go on")
    return exits.DONE if found.done else exits.HELD


async def _tell(client: StatusClient, release: ReleaseName, message: str, now: datetime) -> None:
    event = Event(at=now, kind="Stopped", message=message, release=release, severity="error")
    await EventLog(client.connection).publish([event])


def _told(found: Halt) -> str:
    results = list(found.results.values())
    counts = (f"{results.count(result)} {result}" for result in StopResult if result in results)
    return ", ".join(counts) or "nothing of it was under way"
