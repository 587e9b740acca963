"""`adopt`: day 0 on an existing fleet: read everything, change nothing."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import click

from reconciler.cli import exits
from reconciler.cli.commands.plan import shown
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import complain, counted, say, table, width
from reconciler.cli.runtime import Runtime
from reconciler.cli.wiring import open_runtime
from reconciler.errors import KanadeUnavailable, LeaseLost
from reconciler.model.plan import Assessment, Plan, State
from reconciler.plan.endings import ending
from reconciler.plan.outstanding import is_outstanding
from reconciler.revisions import InForce

_RECHECK_AFTER = timedelta(seconds=2)


@click.command("adopt", short_help="Probe a fleet that is already there, and change nothing.")
@click.option("--wait", default=120, type=click.IntRange(1, 3600), help="Seconds to wait; 120.")
@click.pass_obj
def adopt_command(invocation: Invocation, wait: int) -> int:
    """Probe every target, install nothing, and keep what was found.

    Then it shows what runs where, and what each release would do about it. Exit code 1 when
    that is something.
    """
    in_force, seen, would = asyncio.run(_adopt(invocation, timedelta(seconds=wait)))
    rows = [row for name, views in sorted(seen.hosts.items()) for row in _rows(name, views)]
    say(table(["RELEASE", "HOST", "RUNS", "STATE", "MESSAGE"], rows, width()))
    unknown = sum(view.running is None for views in seen.hosts.values() for view in views)
    if unknown:
        complain(f"of {counted(unknown, 'host')} nothing is known yet: nothing is done to them")
    say("")
    say(shown(in_force, would, width()))
    return exits.DIFFERENCES if is_outstanding(would) else exits.DONE


async def _adopt(invocation: Invocation, patience: timedelta) -> tuple[InForce, Plan, Plan]:
    """Return what is in force, what was seen, and what a controller would do now."""
    settings = invocation.settings()
    async with open_runtime(settings, leader=True, observe_only=True) as runtime:
        if not await runtime.lease.attempt():
            raise LeaseLost("a controller leads already; it reads the fleet by itself")
        try:
            in_force = await runtime.revisions.fetch_or_raise()
            seen = await _look_at_all(runtime, patience)
            work = replace(runtime.work, terms=replace(runtime.work.terms, observe_only=False))
            _, would = await work.preview(in_force.desired)
        finally:
            await runtime.lease.release()
    return in_force, seen, would


async def _look_at_all(runtime: Runtime, patience: timedelta) -> Plan:
    deadline = runtime.clock.monotonic() + patience.total_seconds()
    while True:
        await runtime.lease.renew()
        applied = await runtime.work.make(runtime.revisions.standing)
        if applied is None:
            raise KanadeUnavailable("there is no revision to go by")
        waiting = applied.plan.steps or _is_under_way(runtime)
        if not waiting or runtime.clock.monotonic() >= deadline:
            return applied.plan
        await runtime.wake.wait(_RECHECK_AFTER)


def _is_under_way(runtime: Runtime) -> bool:
    """True while a probe has been sent and has not answered."""
    work = runtime.work
    return any(
        ending(attempt, runtime.clock.now(), work.terms) is None
        for attempt in work.records.attempts().values()
    )


def _rows(release: str, views: Iterable[Assessment]) -> list[list[str]]:
    return [
        [
            release,
            view.host,
            view.running or ("?" if view.state is State.UNKNOWN else ""),
            str(view.state),
            f"{view.reason}: {view.message}",
        ]
        for view in views
    ]
