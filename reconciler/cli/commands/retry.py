"""`retry`: a person's request to try once more what failed."""

import asyncio
import uuid

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.render import say
from reconciler.cli.status_client import open_status_client
from reconciler.model.observed import Retry


@click.command("retry", short_help="Try a release again on the hosts where it failed.")
@click.argument("name")
@click.pass_obj
def retry_command(invocation: Invocation, name: str) -> None:
    """Try the release NAME again on the hosts where it failed."""

    async def retry() -> None:
        async with open_status_client(invocation.settings()) as client:
            release = client.known(name)
            request = Retry(
                release=release,
                id=f"retry/{uuid.uuid4()}",
                by=invocation.user(),
                at=client.clock.now(),
            )
            await client.book.retry(request)

    asyncio.run(retry())
    say(f"{name} is tried again where it failed")
