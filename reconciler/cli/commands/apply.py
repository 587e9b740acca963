"""`apply`: one pass by hand, as the controller makes them."""

import asyncio

import click

from reconciler.cli.commands.plan import shown
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import complain, say, width
from reconciler.cli.wiring import open_workshop
from reconciler.errors import LeaseLost
from reconciler.model.outcome import Applied, StepState

EXIT_HELD = 6


@click.command("apply")
@click.pass_obj
def apply_command(invocation: Invocation) -> int:
    """Make one pass: do what `plan` shows, and say what became of it.

    What takes longer than a pass, such as an install, is followed by the next one, or by the
    controller. Exit code 6 when something failed or is held.
    """
    return asyncio.run(_apply(invocation))


async def _apply(invocation: Invocation) -> int:
    async with open_workshop(invocation.settings(), leader=True) as workshop:
        if not await workshop.lease.attempt():
            raise LeaseLost("a controller leads already; it does this by itself")
        try:
            in_force = await workshop.revisions.look_or_raise()
            applied = await workshop.work.make(workshop.revisions)
        finally:
            await workshop.lease.release()
    if applied is None:
        return 0
    say(shown(in_force, applied.plan, width()))
    return _told(applied)


def _told(applied: Applied) -> int:
    done = sum(item.state is StepState.DONE for item in applied.outcomes)
    say(f"\n{done} of {len(applied.outcomes)} steps done")
    for outcome in applied.failed:
        complain(f"failed: {outcome.step.action.key}: {outcome.message}")
    return EXIT_HELD if applied.failed or applied.plan.blocked else 0
