"""`reconcile`: ask the running controller to reconcile now, and see the result."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import click
from rich.console import Console
from rich.status import Status as Spinner

from reconciler.cli import exits
from reconciler.cli.invocation import Invocation
from reconciler.cli.moment import read_duration
from reconciler.cli.render import complain, say
from reconciler.cli.status_client import StatusClient, open_status_client
from reconciler.errors import KanadeUnavailable
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import ReconcileRequest
from reconciler.model.status import ReleaseStatus, Status
from reconciler.status.settled import Standing, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The last that was seen of the controller and its releases."""

    status: Status
    answered: bool
    releases: tuple[ReleaseStatus, ...]

    @property
    def standing(self) -> Standing:
        return standing(self.releases)


@click.command(
    "reconcile", short_help="Ask the controller to reconcile now, and try again at once."
)
@click.argument("name", required=False)
@click.option("--wait", is_flag=True, help="Go on until all is proved, or nothing moves.")
@click.option(
    "--timeout",
    callback=read_duration,
    default="5m",
    help="How long to wait at most; 5m.",
)
@click.pass_obj
def reconcile_command(
    invocation: Invocation, name: str | None, timeout: timedelta, *, wait: bool
) -> int:
    """Ask the controller to read the repository and the fleet now, and to try again at once.

    With NAME only that release is waited for. Exit code 6 when something is held, or is still
    under way at the end of --timeout.
    """
    with Spinner("asking", console=Console(stderr=True)) as spinner:
        seen = asyncio.run(_ask(invocation, name, _Patience(timeout, wait), spinner))
    return _report(seen, wait=wait)


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long to wait, and for what."""

    at_most: timedelta
    until_settled: bool


async def _ask(
    invocation: Invocation, name: str | None, patience: _Patience, spinner: Spinner
) -> _Seen:
    async with open_status_client(invocation.settings()) as client:
        release = client.known(name) if name is not None else None
        request = ReconcileRequest(
            id=str(uuid.uuid4()), by=invocation.user(), at=client.clock.now()
        )
        await client.book.request_reconcile(request)
        seen = None
        try:
            async with asyncio.timeout(patience.at_most.total_seconds()):
                async for seen in _followed(client, request, release):
                    spinner.update(_progress(seen))
                    if seen.answered and (seen.standing.settled or not patience.until_settled):
                        break
        except TimeoutError:
            pass
        if seen is None or not seen.answered:
            server = client.connection.server
            raise KanadeUnavailable(f"no controller on {server} has answered; see: reconciler run")
        return seen


async def _followed(
    client: StatusClient, request: ReconcileRequest, name: ReleaseName | None
) -> AsyncIterator[_Seen]:
    async for status in client.statuses():
        yield _Seen(
            status=status,
            answered=status.controller.answered == request.id,
            releases=tuple(
                item for key, item in sorted(status.releases.items()) if name in (None, key)
            ),
        )


def _progress(seen: _Seen) -> str:
    if not seen.answered:
        return "the controller reads the repository and the fleet"
    return f"{seen.standing.proved} of {seen.standing.hosts} hosts proved"


def _report(seen: _Seen, *, wait: bool) -> int:
    found, controller = seen.standing, seen.status.controller
    troubles = [
        f"{item.reason}: {item.message}"
        for item in controller.conditions
        if item.type is ConditionType.SOURCE_READY and item.status is Truth.FALSE
    ]
    revision = (controller.revision or "none")[:12]
    say(f"revision {revision}: {found.proved} of {found.hosts} hosts proved")
    for line in (*troubles, *found.held):
        complain(f"held: {line}")
    if troubles or found.held:
        return exits.HELD
    if wait and not found.converged:
        complain("still under way; reconciler get hosts says where")
        return exits.HELD
    return exits.DONE
