"""`apply`: passes by hand, as the controller makes them."""

import asyncio
from collections.abc import Callable

import click

from reconciler.cli import exits
from reconciler.cli.commands.plan import shown
from reconciler.cli.invocation import ACCEPT_REWRITE, Invocation
from reconciler.cli.progress import Bars
from reconciler.cli.render import complain, say, width
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import Settings
from reconciler.cli.wiring import open_runtime
from reconciler.errors import KanadeUnavailable, LeaseLost
from reconciler.model.outcome import Applied, StepState
from reconciler.model.plan import Plan, State
from reconciler.ports import RENEWAL


@click.command("apply", short_help="Make one pass: do what `plan` shows.")
@click.option("--wait", is_flag=True, help="Go on until every host is proved, or nothing moves.")
@ACCEPT_REWRITE
@click.pass_obj
def apply_command(invocation: Invocation, *, wait: bool, accept_rewrite: bool) -> int:
    """Make one pass: do what `plan` shows, and print the outcome.

    What takes longer than a pass, such as an install, is followed by the next one, by the
    controller, or with --wait. Exit code 6 when something failed or is held.
    """
    settings = invocation.settings(accept_rewrite=accept_rewrite)
    with Bars() as bars:
        done = asyncio.run(_apply(settings, bars, wait=wait))
    return done()


async def _apply(settings: Settings, bars: Bars, *, wait: bool) -> Callable[[], int]:
    async with open_runtime(settings, leader=True, watch=bars.watch) as runtime:
        if not await runtime.lease.attempt():
            raise LeaseLost("a controller leads already; it does this by itself")
        try:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(runtime.watch_hosts())
                in_force = await runtime.revisions.fetch_or_raise()
                applied = await runtime.work.make(runtime.revisions.standing)
                while wait and applied is not None and _moves(applied.plan):
                    bars.show(applied.plan.hosts)
                    await runtime.wake.wait(RENEWAL)
                    applied = await _again(runtime, applied)
                await runtime.evidence.finished()
                asking.cancel()
        finally:
            await runtime.lease.release()
    text = shown(in_force, applied.plan, width()) if applied is not None else "nothing to go by"

    def report() -> int:
        say(text)
        return _told(applied) if applied is not None else exits.DONE

    return report


async def _again(runtime: Runtime, last: Applied) -> Applied:
    """Make another pass; a moment without an answer is waited out."""
    try:
        await runtime.lease.renew()
        return await runtime.work.make(runtime.revisions.standing) or last
    except KanadeUnavailable as error:
        complain(f"waiting: {error}")
        return last


def _moves(plan: Plan) -> bool:
    """True while something was just done, runs, or will be done without a person."""
    under_way = (State.DISPATCHED, State.RUNNING, State.VERIFYING)
    return bool(plan.steps) or any(
        view.state in under_way or (view.state is State.PENDING and name not in plan.blocked)
        for name, views in plan.hosts.items()
        for view in views
    )


def _told(applied: Applied) -> int:
    done = sum(item.state is StepState.DONE for item in applied.outcomes)
    say(f"\n{done} of {len(applied.outcomes)} steps done")
    for outcome in applied.failed:
        complain(f"failed: {outcome.step.action.key}: {outcome.message}")
    return exits.HELD if applied.failed or applied.plan.blocked else exits.DONE
