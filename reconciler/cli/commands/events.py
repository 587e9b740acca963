"""`events`: what the controller has seen change, and what it sees from now on."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from reconciler.cli import tables
from reconciler.cli.invocation import Invocation
from reconciler.cli.moment import parse_since
from reconciler.cli.render import Output, Printer
from reconciler.cli.status_client import StatusClient, open_status_client, require
from reconciler.cli.watching import IN_ROWS, WATCH, in_rows
from reconciler.jetstream import api
from reconciler.model.status import Event
from reconciler.state.chronicle import Chronicle
from reconciler.state.names import ALL_EVENTS, EVENTS_STREAM


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Which events were asked for."""

    release: str | None
    host: str | None
    since: datetime | None

    def has(self, event: Event) -> bool:
        return (
            self.release in (None, event.release)
            and self.host in (None, event.host)
            and (self.since is None or event.at >= self.since)
        )


@click.command("events", short_help="Show what has happened, and with --watch what happens.")
@click.argument("name", required=False)
@click.option("--host", help="Only of this host.")
@click.option("--since", help="Only since then: 2h ago, or 2026-12-24T18:00.")
@WATCH
@IN_ROWS
@click.pass_obj
def events_command(
    invocation: Invocation,
    name: str | None,
    host: str | None,
    since: str | None,
    kind: Output,
    *,
    watch: bool,
) -> None:
    """Show the events of the release NAME, or of all, the oldest first.

    -o wide has the revision as well.
    """
    columns = tables.events(wide=kind is Output.WIDE)
    show = in_rows(Printer(kind, columns.headers, watch=watch), columns.row)

    async def follow() -> None:
        async with open_status_client(invocation.settings()) as client:
            start = parse_since(since, client.clock.now()) if since is not None else None
            wanted = _Wanted(release=name, host=host, since=start)
            await _follow(client, wanted, show, watch=watch)

    asyncio.run(follow())


async def _follow(
    client: StatusClient, wanted: _Wanted, show: Callable[[Sequence[Event]], None], *, watch: bool
) -> None:
    news = asyncio.Event()
    chronicle = Chronicle(client.connection, client.clock, news.set)
    last = await api.last_message(client.connection, EVENTS_STREAM, ALL_EVENTS)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(chronicle.run())
        while last is not None and chronicle.newest < last.sequence:
            await _next(news)
        shown = chronicle.newest
        found = [entry.event for entry in chronicle.entries() if wanted.has(entry.event)]
        if not found:
            require("release", wanted.release, client.board.read().releases)
        show(found)
        while watch:
            await _next(news)
            entries = list(chronicle.entries(shown))
            shown = chronicle.newest
            found = [entry.event for entry in entries if wanted.has(entry.event)]
            show(found)
        reading.cancel()


async def _next(news: asyncio.Event) -> None:
    await news.wait()
    news.clear()
