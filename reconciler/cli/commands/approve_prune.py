"""`approve --prune`: let go what would be deleted, thing by thing, and nothing else."""

import asyncio

from reconciler.cli import exits
from reconciler.cli.answer import answer_to
from reconciler.cli.asking import agrees
from reconciler.cli.desk import Desk, open_desk
from reconciler.cli.render import complain, counted, printable, say
from reconciler.cli.settings import Settings
from reconciler.cli.signing import Signer
from reconciler.model.pruning import PruneApproval


def approve_prune(settings: Settings, signer: Signer, reason: str, *, yes: bool) -> int:
    """Show what is held, and approve exactly that."""

    async def approve() -> int:
        async with open_desk(settings) as desk:
            return await _approve(desk, signer, reason, yes=yes)

    return asyncio.run(approve())


async def _approve(desk: Desk, signer: Signer, reason: str, *, yes: bool) -> int:
    held = desk.board.read().controller.held_prune
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
        items=held.items, approver=signer.name, at=desk.clock.now(), reason=reason
    )
    word = signer.signed(approval)
    await desk.book.approve_prune(word)
    return await answer_to(desk, signer, word, f"approved by {signer.name}")
