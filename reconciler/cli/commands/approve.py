"""`approve`: let a release's fingerprint through its gate."""

import asyncio

import click

from reconciler.cli.desk import open_desk
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import complain, say
from reconciler.errors import UsageError
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Approval
from reconciler.model.status import ReleaseStatus


@click.command("approve")
@click.argument("name")
@click.option("--by", "approver", help="Who approves; you, as the system knows you.")
@click.option("--reason", default="", help="Kept with the approval.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def approve_command(
    invocation: Invocation, name: str, approver: str | None, reason: str, *, yes: bool
) -> int:
    """Approve the release NAME as it stands: its fingerprint, and no later one."""
    return asyncio.run(_approve(invocation, ReleaseName(name), approver, reason, yes=yes))


async def _approve(
    invocation: Invocation, name: ReleaseName, approver: str | None, reason: str, *, yes: bool
) -> int:
    async with open_desk(invocation.settings()) as desk:
        status = desk.board.read().releases.get(name)
        if status is None:
            raise UsageError(f"no release {name!r} is known; see: reconciler get releases")
        if not _waits(status):
            complain(f"{name} {status.version} does not wait for approval")
        say(f"{name} {status.version}  revision {status.revision[:12]}")
        say(f"fingerprint {status.fingerprint}")
        if not yes:
            click.confirm("approve?", abort=True)
        approval = Approval(
            release=name,
            fingerprint=status.fingerprint,
            approver=approver or invocation.user(),
            at=desk.clock.now(),
            reason=reason,
        )
        await desk.book.approve(approval)
    say(f"approved by {approval.approver}")
    return 0


def _waits(status: ReleaseStatus) -> bool:
    return any(
        item.type is ConditionType.APPROVED and item.status is Truth.FALSE
        for item in status.conditions
    )
