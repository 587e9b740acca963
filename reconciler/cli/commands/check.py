"""`check`: is everything there that the controller needs? In order, with the fix."""

import asyncio
from collections.abc import Awaitable, Callable

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.links import open_backend, open_connection, open_source
from reconciler.cli.render import say
from reconciler.cli.settings import Settings
from reconciler.desired.load import load
from reconciler.errors import KanadeUnavailable, ReconcilerError
from reconciler.jetstream import api
from reconciler.kanade.names import (
    APP_PACKAGES,
    EVENTS,
    EXEC,
    FLEET_CONFIG,
    JOBS,
    JOBS_YAML,
    RESULT_OUTPUT,
    RESULTS,
    SCRIPT_CURRENT,
    SCRIPT_STATUS,
    SCRIPTS,
)
from reconciler.model.observed import BackendState

_STREAMS = (
    EXEC,
    RESULTS,
    EVENTS,
    *(f"KV_{bucket}" for bucket in (JOBS, JOBS_YAML, SCRIPT_CURRENT, SCRIPT_STATUS, FLEET_CONFIG)),
    *(f"OBJ_{store}" for store in (APP_PACKAGES, SCRIPTS, RESULT_OUTPUT)),
)


@click.command("check")
@click.pass_obj
def check_command(invocation: Invocation) -> int:
    """Check the prerequisites one after the other, and say how to mend what is missing.

    The exit code is that of the first thing missing; 0 when nothing is.
    """
    return asyncio.run(_check(invocation.settings()))


async def _check(settings: Settings) -> int:
    checks: tuple[tuple[str, Callable[[Settings], Awaitable[str]]], ...] = (
        ("git", _git),
        ("nats", _nats),
        ("kanade", _kanade),
        ("backend", _backend),
    )
    first = 0
    for name, check in checks:
        try:
            say(f"ok    {name:8} {await check(settings)}")
        except ReconcilerError as error:
            say(f"FAIL  {name:8} {error}")
            first = first or error.exit_code
    return first


async def _git(settings: Settings) -> str:
    with open_source(settings) as source:
        snapshot = await source.fetch()
        desired = load(snapshot)
    count = len(desired.releases)
    return f"{snapshot.origin} at {snapshot.commit.revision[:12]}: valid, {count} releases"


async def _nats(settings: Settings) -> str:
    async with open_connection(settings) as connection:
        trip = await connection.rtt()
        return f"{connection.server} answers in {trip.total_seconds() * 1000:.1f} ms"


async def _kanade(settings: Settings) -> str:
    async with open_connection(settings) as connection:
        for stream in _STREAMS:
            await api.stream_info(connection, stream)
    return f"all {len(_STREAMS)} of kanade's streams and buckets that we use are there"


async def _backend(settings: Settings) -> str:
    async with open_backend(settings) as backend:
        if backend is None:
            return "not configured: everything goes over NATS"
        if await backend.state() is not BackendState.UP:
            raise KanadeUnavailable(f"the backend does not answer: {backend.trouble}")
        return "it answers, and takes the token"
