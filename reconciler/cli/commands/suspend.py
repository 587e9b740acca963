"""`suspend` and `resume`: stop a release where it stands, and let it go on."""

import asyncio

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.moment import parse_moment
from reconciler.cli.reason import reason_option
from reconciler.cli.render import paragraph, say, width
from reconciler.cli.status_client import open_status_client
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Suspension


@click.command("suspend", short_help="Stop a release where it stands; what runs finishes.")
@click.argument("name")
@reason_option
@click.option("--until", help="When it goes on by itself: 2h, or 2026-12-24T18:00.")
@click.pass_obj
def suspend_command(invocation: Invocation, name: str, reason: str, until: str | None) -> None:
    """Stop the release NAME; what runs on a host finishes, nothing new starts."""

    async def suspend() -> Suspension:
        async with open_status_client(invocation.settings()) as client:
            now = client.clock.now()
            suspension = Suspension(
                release=client.known(name),
                by=invocation.user(),
                reason=reason,
                since=now,
                until=parse_moment(until, now) if until is not None else None,
            )
            await client.book.suspend(suspension)
            return suspension

    end = asyncio.run(suspend()).until
    when = f" until {end:%Y-%m-%d %H:%M:%S} UTC" if end is not None else ""
    message = f"{name} is suspended{when}; reconciler resume {name} lets it go on"
    say(paragraph(message, width(), indent=""))


@click.command("resume", short_help="Let a release go on that was suspended or sent back.")
@click.argument("name")
@click.pass_obj
def resume_command(invocation: Invocation, name: str) -> None:
    """Let the release NAME go on that was suspended, or sent back by `rollback`."""

    async def resume() -> bool:
        async with open_status_client(invocation.settings()) as client:
            release, requests = ReleaseName(name), client.book.read()
            stands = release in requests.suspensions or release in requests.returns
            await client.book.resume(release if stands else client.known(name))
            return stands

    stood = asyncio.run(resume())
    not_so = f"{name} was not suspended or sent back by anybody: it stays as it is"
    say(f"{name} goes on" if stood else not_so)
