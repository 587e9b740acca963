"""`approve --prune`: let go what would be deleted, thing by thing, and nothing else."""

import asyncio

from reconciler.cli import exits
from reconciler.cli.answer import answer_to
from reconciler.cli.asking import agrees
from reconciler.cli.render import complain, counted, printable, say
from reconciler.cli.settings import Settings
from reconciler.cli.signing import Signer
from reconciler.cli.status_client import StatusClient, open_status_client
from reconciler.model.pruning import PruneApproval


def approve_prune(settings: Settings, signer: Signer, reason: str, *, yes: bool) -> int:
    """Show what is held, and approve exactly that."""

    async def approve() -> int:
        async with open_status_client(settings) as client:
            return await _approve(client, signer, reason, yes=yes)

    return asyncio.run(approve())


async def _approve(client: StatusClient, signer: Signer, reason: str, *, yes: bool) -> int:
    held = client.board.read().controller.held_prune
    if held is None:
        complain("no prune is held")
        return exits.DONE
    say(f"{counted(len(held.items), 'thing')} would be deleted:")
    for item in held.items:
        say(f"  - {printable(item)}")
    say(f"digest {held.digest[:12]}")
    if not yes and not agrees("delete?"):
        complain("not approved")
        return exits.INTERRUPTED
    approval = PruneApproval(
        items=held.items, approver=signer.name, at=client.clock.now(), reason=reason
    )
    signed = signer.signed(approval)
    await client.book.approve_prune(signed)
    return await answer_to(client, signer, signed, f"approved by {signer.name}")
