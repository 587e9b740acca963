"""`rollback`: a person's request to roll a release back, whichever version git names."""

import asyncio

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.reason import reason_option
from reconciler.cli.render import say
from reconciler.cli.status_client import StatusClient, open_status_client, require
from reconciler.errors import UsageError
from reconciler.model.identity import Fingerprint, ReleaseName, Version
from reconciler.model.observed import Return


@click.command("rollback", short_help="Bring a release's hosts back to what was proved before.")
@click.argument("name")
@click.option("--to", "version", help="The version to go back to; the last proved one, if not.")
@reason_option
@click.pass_obj
def rollback_command(invocation: Invocation, name: str, version: str | None, reason: str) -> None:
    """Bring the hosts of the release NAME back to what they were proved to run before.

    It holds for what git says now: a commit that changes the release ends it, or
    `reconciler resume NAME`.
    """

    async def go_back() -> Return:
        async with open_status_client(invocation.settings()) as client:
            release = client.known(name)
            fingerprint = client.board.read().releases[release].fingerprint
            _require_record(client, release, fingerprint, version)
            request = Return(
                release=release,
                fingerprint=fingerprint,
                to=Version(version) if version is not None else None,
                by=invocation.user(),
                reason=reason,
                at=client.clock.now(),
            )
            await client.book.go_back(request)
            return request

    request = asyncio.run(go_back())
    target = request.to or "what was proved before"
    say(f"{name} goes back to {target}; a new commit ends that, or: reconciler resume {name}")


def _require_record(
    client: StatusClient, release: ReleaseName, fingerprint: Fingerprint, version: str | None
) -> None:
    """See that there is something to go back to.

    Raises:
        UsageError: no earlier release was proved here, or none of that version.
    """
    kept = {
        record.version
        for (name, kept_fingerprint), record in client.records.read().items()
        if name == release and kept_fingerprint != fingerprint
    }
    if not kept:
        raise UsageError(
            f"no earlier {release} was proved here, so there is nothing to go back to; "
            f"see: reconciler history {release}"
        )
    require(f"proved version of {release}", version, kept)
