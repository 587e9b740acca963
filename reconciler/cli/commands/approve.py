"""`approve`: let a release's fingerprint through its gate, or past a window that is shut."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

import click

from reconciler.cli import exits
from reconciler.cli.answer import answer_to
from reconciler.cli.asking import agrees
from reconciler.cli.commands.approve_prune import approve_prune
from reconciler.cli.invocation import Invocation
from reconciler.cli.moment import parse_moment
from reconciler.cli.render import complain, paragraph, say, width
from reconciler.cli.settings import Settings
from reconciler.cli.signing import Signer, signer_of
from reconciler.cli.status_client import open_status_client
from reconciler.model.approval import LONGEST_OVERRIDE, Approval, Gate, Override
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.status import ReleaseStatus


@click.command("approve", short_help="See what differs, and let a release through as it stands.")
@click.argument("name", required=False)
@click.option("--prune", is_flag=True, help="Instead of a release: what would be deleted.")
@click.option("--by", help="Who approves; you, as git and the system know you.")
@click.option("--key", help="The SSH key to sign with; git's user.signingkey, or the agent's.")
@click.option("--reason", default="", help="Kept with the approval, and shown.")
@click.option(
    "--override",
    "gate",
    type=click.Choice([str(gate) for gate in Gate]),
    help="Instead: let it pass this gate for a while; needs --reason.",
)
@click.option("--for", "length", default="1h", help="How long it may pass, at most 24h; 1h.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def approve_command(
    invocation: Invocation,
    name: str | None,
    *,
    prune: bool,
    by: str | None,
    key: str | None,
    reason: str,
    gate: str | None,
    length: str,
    yes: bool,
) -> int:
    """Approve the release NAME as it stands: its fingerprint, and no later one.

    What has changed since the version that was approved last, or proved since, is shown first.
    Exit code 6 when the controller says that the approval does not count, or one more was given
    by a person who had agreed.
    """
    if prune:
        settings = invocation.settings()
        signer = signer_of(invocation, settings, by, key)
        return approve_prune(settings, signer, reason, yes=yes)
    if name is None:
        raise click.UsageError("Missing argument 'NAME'.", click.get_current_context())
    if gate is not None and not reason.strip():
        raise click.UsageError("Missing option '--reason'.", click.get_current_context())
    settings = invocation.settings()
    status = asyncio.run(_status(settings, ReleaseName(name)))
    signer = signer_of(invocation, settings, by, key)
    if gate is None and not _waits(status):
        complain(f"{name} {status.version} does not wait for approval")
    say("\n".join(_shown(status)))
    if not yes and not agrees(f"override the {gate}?" if gate else "approve?"):
        complain("not approved")
        return exits.INTERRUPTED
    if gate is None:
        return asyncio.run(_approve(settings, status, signer, reason))
    return asyncio.run(_override(settings, status, signer, Gate(gate), (length, reason)))


async def _status(settings: Settings, name: ReleaseName) -> ReleaseStatus:
    async with open_status_client(settings) as client:
        return client.board.read().releases[client.known(name)]


async def _approve(settings: Settings, status: ReleaseStatus, signer: Signer, reason: str) -> int:
    async with open_status_client(settings) as client:
        now = client.clock.now()
        approval = Approval(
            release=status.name,
            fingerprint=status.fingerprint,
            approver=signer.name,
            at=now,
            reason=reason,
        )
        signed = signer.signed(approval)
        await client.book.approve(signed)
        code = await answer_to(client, signer, signed, f"approved by {signer.name}")
    if code == exits.DONE and _waits(status) and _has_agreed(signer.name, status, now):
        complain(f"{signer.name} had agreed before, and a person counts once")
        return exits.HELD
    return code


async def _override(
    settings: Settings, status: ReleaseStatus, signer: Signer, gate: Gate, why: tuple[str, str]
) -> int:
    length, reason = why
    async with open_status_client(settings) as client:
        now = client.clock.now()
        until = parse_moment(length, now)
        if until - now > LONGEST_OVERRIDE:
            raise click.BadParameter("an override lasts 24h at most", param_hint="--for")
        override = Override(
            release=status.name,
            fingerprint=status.fingerprint,
            gate=gate,
            approver=signer.name,
            at=now,
            until=until,
            reason=reason,
        )
        signed = signer.signed(override)
        await client.book.override(signed)
        when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        done = f"{signer.name} lets {status.name} pass its {gate} until {when}"
        return await answer_to(client, signer, signed, done)


def _shown(status: ReleaseStatus) -> Iterator[str]:
    yield f"{status.name} {status.version}  revision {status.revision[:12]}"
    yield f"fingerprint {status.fingerprint}"
    if status.compared_with is None:
        nothing = (
            "nothing of it was let through or proved yet, so there is nothing to compare it with"
        )
        yield paragraph(nothing, width(), indent="")
    elif not status.differences:
        yield f"no different from {status.compared_with}, which was {status.compared_as} last"
    else:
        yield f"against {status.compared_with}, which was {status.compared_as} last:"
    for item in status.differences:
        text = f"{item.before or 'nothing'} -> {item.after or 'nothing'}"
        yield paragraph(f"{item.what}: {item.after if item.lines else text}", width())
        yield from (f"    {line}" for line in item.lines)
    for given in status.words:
        counts = f", does not count: {given.refusal}" if given.refusal else ""
        key = f" with {given.key}" if given.key else ""
        yield f"{given.kind} by {given.by}{key}{counts}"


def _has_agreed(name: str, status: ReleaseStatus, now: datetime) -> bool:
    """True when an approval of this person's counts already."""
    return any(
        item.by == name
        and item.kind == "approval"
        and not item.refusal
        and (item.until is None or now < item.until)
        for item in status.words
    )


def _waits(status: ReleaseStatus) -> bool:
    return any(
        item.type is ConditionType.APPROVED and item.status is Truth.FALSE
        for item in status.conditions
    )
