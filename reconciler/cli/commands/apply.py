"""`apply`: passes by hand, as the controller makes them."""

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta

import click

from reconciler.cli import exits
from reconciler.cli.commands.plan import shown
from reconciler.cli.invocation import ACCEPT_REWRITE, Invocation
from reconciler.cli.moment import read_duration
from reconciler.cli.progress import Bars
from reconciler.cli.render import complain, say, width
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import Settings
from reconciler.cli.wiring import open_runtime
from reconciler.errors import ArtifactRefused, KanadeUnavailable, LeaseLost
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import Assessment, State
from reconciler.ports import RENEWAL


@click.command("apply", short_help="Make one pass: do what `plan` shows.")
@click.option("--wait", is_flag=True, help="Go on until every host is proved, or nothing moves.")
@click.option(
    "--timeout",
    callback=read_duration,
    help="With --wait: give up after so long; not at all when left out.",
)
@ACCEPT_REWRITE
@click.pass_obj
def apply_command(
    invocation: Invocation, timeout: timedelta | None, *, wait: bool, accept_rewrite: bool
) -> int:
    """Make one pass: do what `plan` shows, and print the outcome.

    What takes longer than a pass, such as an install, is followed by the next one, by the
    controller, or with --wait. Exit code 6 when something failed, is held, or is still under way
    at the end of --timeout; 5 when all that failed is artifacts, and nothing is held.
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout needs --wait.", click.get_current_context())
    settings = invocation.settings(accept_rewrite=accept_rewrite)
    patience = (timeout.total_seconds() if timeout is not None else math.inf) if wait else 0.0
    with Bars() as bars:
        done = asyncio.run(_apply(settings, bars, patience))
    return done()


async def _apply(settings: Settings, bars: Bars, patience: float) -> Callable[[], int]:
    async with open_runtime(settings, leader=True, watch=bars.watch) as runtime:
        if not await runtime.lease.attempt():
            raise LeaseLost("a controller leads already; it does this by itself")
        clock, end = runtime.clock, runtime.clock.monotonic() + patience
        try:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(runtime.watch_hosts())
                in_force = await runtime.revisions.fetch_or_raise()
                applied = await runtime.work.make(runtime.revisions.standing)
                while (
                    applied is not None
                    and _moves(applied)
                    and (left := end - clock.monotonic()) > 0
                ):
                    bars.show(applied.plan.hosts)
                    await runtime.wake.wait(timedelta(seconds=min(left, RENEWAL.total_seconds())))
                    applied = await _again(runtime, applied)
                await runtime.evidence.finished()
                asking.cancel()
        finally:
            await runtime.lease.release()
    text = shown(in_force, applied.plan, width()) if applied is not None else "nothing to go by"

    def report() -> int:
        say(text)
        return _told(applied, waited=patience > 0) if applied is not None else exits.DONE

    return report


async def _again(runtime: Runtime, last: Applied) -> Applied:
    """Make another pass; a moment without an answer is waited out."""
    try:
        await runtime.lease.renew()
        return await runtime.work.make(runtime.revisions.standing) or last
    except KanadeUnavailable as error:
        complain(f"waiting: {error}")
        return last


def _moves(applied: Applied) -> bool:
    """True while something was just done, runs, or will be done without a person."""
    stopped = {item.step.release for item in applied.outcomes if not _goes_on(item)}
    stopped.update(applied.plan.blocked)
    return any(map(_goes_on, applied.outcomes)) or any(
        _is_under_way(view) or (view.state is State.PENDING and name not in stopped)
        for name, views in applied.plan.hosts.items()
        for view in views
    )


def _is_under_way(view: Assessment) -> bool:
    asked = view.state is State.UNKNOWN and view.probe is not None
    return asked or view.state in (State.DISPATCHED, State.RUNNING, State.VERIFYING)


def _goes_on(outcome: StepOutcome) -> bool:
    return outcome.state is StepState.DONE or outcome.transient


def _told(applied: Applied, *, waited: bool) -> int:
    done = sum(item.state is StepState.DONE for item in applied.outcomes)
    if applied.outcomes:
        say(f"\n{done} of {len(applied.outcomes)} steps done")
    for outcome in applied.failed:
        complain(f"failed: {outcome.step.action.key}: {outcome.message}")
    if waited and _moves(applied):
        complain("still under way; reconciler run goes on with it, and so does apply --wait")
        return exits.HELD
    return _code(applied)


def _code(applied: Applied) -> int:
    """Return the code of artifacts only where nothing else has failed or is held."""
    artifact = ArtifactRefused.exit_code
    if applied.plan.blocked or any(item.exit_code != artifact for item in applied.failed):
        return exits.HELD
    return artifact if applied.failed else exits.DONE
