"""`run`: the controller."""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace

import click

from reconciler import __version__
from reconciler.cli import exits
from reconciler.cli.couriers import couriers_of
from reconciler.cli.endpoints import endpoints_of, open_gateway
from reconciler.cli.invocation import ACCEPT_REWRITE, Invocation
from reconciler.cli.logs import configure, is_for_people
from reconciler.cli.progress import Bars
from reconciler.cli.settings import Settings
from reconciler.cli.tracing import open_traces
from reconciler.cli.web_ui import open_web_ui
from reconciler.cli.wiring import open_runtime
from reconciler.controller import Controller
from reconciler.serve.server import serve
from reconciler.telemetry.metrics import Metrics

_GRACE_SECONDS = 2.5
"""For the pass; giving up an upload to a server that is silent takes another 6, and 10 are all."""


@click.command("run", short_help="Be the controller: reconcile until stopped.")
@click.option(
    "--observe-only", is_flag=True, help="Observe and report; change nothing in the fleet."
)
@ACCEPT_REWRITE
@click.pass_obj
def run_command(invocation: Invocation, *, observe_only: bool, accept_rewrite: bool) -> int:
    """Reconcile until stopped.

    SIGTERM ends it after the pass that is under way, with exit code 0; so does an interrupt,
    with 130. SIGHUP makes it fetch the repository.
    """
    stopped_by: set[signal.Signals] = set()
    settings = invocation.settings(accept_rewrite=accept_rewrite)
    with suppress(asyncio.CancelledError):  # a pass did not end in time after the signal
        asyncio.run(_run(settings, stopped_by, observe_only=observe_only))
    return exits.INTERRUPTED if signal.SIGINT in stopped_by else exits.DONE


async def _run(settings: Settings, stopped_by: set[signal.Signals], *, observe_only: bool) -> None:
    configure(settings.log)
    bars = Bars(drawn=is_for_people(settings.log))
    async with (
        open_runtime(settings, leader=True, watch=bars.watch, observe_only=observe_only) as runtime,
        open_gateway(settings, runtime.clock) as gateway,
        open_web_ui(settings, runtime) as web_ui,
        open_traces(settings.controller.instance, os.environ) as traces,
    ):

        def leads() -> bool:
            return runtime.lease.leads

        metrics = Metrics(leads, runtime.clock, __version__)
        controller = Controller(
            work=replace(runtime.work, onlookers=(metrics, *traces)),
            revisions=runtime.revisions,
            lease=runtime.lease,
            clock=runtime.clock,
            wake=runtime.wake,
            wake_source=runtime.wake_source,
            resync=settings.controller.resync,
        )
        _stop_on_signals(controller, stopped_by)
        couriers = couriers_of(settings, runtime.connection, leads, runtime.clock, metrics.notified)
        for courier in couriers:
            await courier.queue.open()  # before the first pass: what it reports is not missed
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(trigger.run(runtime.wake_source)) for trigger in runtime.triggers
            ]
            helpers += [group.create_task(courier.run()) for courier in couriers]
            helpers.append(group.create_task(runtime.watch_hosts()))
            endpoints = endpoints_of(settings, runtime, metrics, gateway, web_ui)
            if endpoints is not None:
                opened = serve(endpoints, runtime.wake_source, runtime.clock)
                helpers.append(group.create_task(opened))
            try:
                await controller.run()
            finally:
                for helper in helpers:
                    helper.cancel()


def _stop_on_signals(controller: Controller, seen: set[signal.Signals]) -> None:
    """End in order at the first signal; what has not ended after a while is cancelled.

    *seen* gets the signals that have come.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop(number: signal.Signals) -> None:
        seen.add(number)
        controller.stop()
        if task is not None:
            loop.call_later(_GRACE_SECONDS, task.cancel)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
