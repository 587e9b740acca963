"""`suspend` and `resume`: stop a release where it stands, and let it go on."""

import asyncio

import click

from reconciler.cli.desk import open_desk
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import say
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Suspension


@click.command("suspend")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is shown wherever the release is.")
@click.pass_obj
def suspend_command(invocation: Invocation, name: str, reason: str) -> None:
    """Stop the release NAME; what runs on a host finishes, nothing new starts."""

    async def suspend() -> None:
        async with open_desk(invocation.settings()) as desk:
            release = desk.known(name)
            now = desk.clock.now()
            by = invocation.user()
            await desk.book.suspend(Suspension(release=release, by=by, reason=reason, since=now))

    asyncio.run(suspend())
    say(f"{name} is suspended; reconciler resume {name} lets it go on")


@click.command("resume")
@click.argument("name")
@click.pass_obj
def resume_command(invocation: Invocation, name: str) -> None:
    """Let the suspended release NAME go on."""

    async def resume() -> None:
        async with open_desk(invocation.settings()) as desk:
            await desk.book.resume(ReleaseName(name))

    asyncio.run(resume())
    say(f"{name} goes on")
