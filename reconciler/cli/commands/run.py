"""`run`: the controller."""

import asyncio
import signal

import click

from reconciler.cli import exits
from reconciler.cli.invocation import Invocation
from reconciler.cli.links import secrets_of
from reconciler.cli.logs import configure
from reconciler.cli.settings import Settings
from reconciler.cli.wiring import open_workshop
from reconciler.controller import Controller
from reconciler.serve.server import Door, serve

_GRACE_SECONDS = 8.0


@click.command("run")
@click.pass_obj
def run_command(invocation: Invocation) -> int:
    """Reconcile until stopped.

    SIGTERM ends it after the pass that is under way, with exit code 0; so does an interrupt,
    with 130. SIGHUP makes it look at the repository.
    """
    try:
        return asyncio.run(_run(invocation))
    except asyncio.CancelledError:  # a pass did not end in time after the signal
        return exits.DONE


async def _run(invocation: Invocation) -> int:
    settings = invocation.settings()
    configure(settings.log)
    async with open_workshop(settings, leader=True) as workshop:
        controller = Controller(
            work=workshop.work,
            revisions=workshop.revisions,
            lease=workshop.lease,
            clock=workshop.clock,
            wake=workshop.wake,
            wake_source=workshop.wake_source,
            resync=settings.controller.resync,
        )
        stopped_by = _stop_on_signals(controller)
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(trigger.run(workshop.wake_source))
                for trigger in workshop.triggers
            ]
            door = _door(settings)
            if door is not None:
                opened = serve(door, workshop.wake_source, workshop.clock)
                helpers.append(group.create_task(opened))
            try:
                await controller.run()
            finally:
                for helper in helpers:
                    helper.cancel()
    return exits.INTERRUPTED if signal.SIGINT in stopped_by else exits.DONE


def _stop_on_signals(controller: Controller) -> set[signal.Signals]:
    """End in order at the first signal; what has not ended after a while is cancelled.

    Returns the signals that have come by then.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    seen: set[signal.Signals] = set()

    def stop(number: signal.Signals) -> None:
        seen.add(number)
        controller.stop()
        if task is not None:
            loop.call_later(_GRACE_SECONDS, task.cancel)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return seen


def _door(settings: Settings) -> Door | None:
    served = settings.serve
    if served is None:
        return None
    secret = served.webhook_secret
    value = secrets_of(settings).resolve(secret.name) if secret is not None else None
    return Door(host=served.host, port=served.port, webhook_secret=value)
