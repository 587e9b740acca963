"""Showing the status, once or for as long as somebody watches: `-o` and `--watch`."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import click
from click.decorators import FC

from reconciler.cli.render import Output, Printer, say, width
from reconciler.cli.settings import Settings
from reconciler.cli.status_client import StatusClient, open_status_client

Item = TypeVar("Item")

WATCH = click.option("-w", "--watch", is_flag=True, help="Go on, and show what changes.")


def _shapes(*kinds: Output, told: str) -> Callable[[FC], FC]:
    """Return the option `-o`, the first of *kinds* being the default."""
    return click.option(
        "-o",
        "--output",
        "kind",
        type=click.Choice([str(kind) for kind in kinds]),
        default=str(kinds[0]),
        callback=lambda _context, _option, value: Output(value),
        help=told,
    )


IN_ROWS = _shapes(
    *(Output.TABLE, Output.WIDE, Output.JSON, Output.YAML),
    told="table when left out; wide has more columns, json and yaml have all there is.",
)
IN_WORDS = _shapes(
    *(Output.TEXT, Output.WIDE, Output.JSON, Output.YAML),
    told="text when left out; wide shortens nothing, json and yaml have all there is.",
)
WHOLE = _shapes(
    *(Output.TEXT, Output.JSON, Output.YAML),
    told="text when left out; json and yaml have all there is.",
)
"""For what leaves nothing out, so that there is no wider shape of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[Item]):
    """What of the status is shown, and how."""

    find: Callable[[StatusClient], Sequence[Item]]
    key: Callable[[Item], Hashable]
    """What stays the same of an item while it changes."""
    show: Callable[[Sequence[Item]], None]
    then: Callable[[StatusClient], None] = lambda _: None
    """What is printed beside the first answer."""


def in_rows(printer: Printer, row: Callable[[Item], list[str]]) -> Callable[[Sequence[Item]], None]:
    """Return what shows items by *printer*, each as a *row*."""
    return lambda items: printer.show(items, map(row, items), width())


def in_words(
    kind: Output, text: Callable[[Sequence[Item]], str], *, watch: bool
) -> Callable[[Sequence[Item]], None]:
    """Return what shows items as *text*, or as data; a watcher's parts stand apart."""
    printer, begun = Printer(kind, (), watch=watch), False

    def show(items: Sequence[Item]) -> None:
        nonlocal begun
        if kind.is_data:
            printer.show(items, (), width())
        elif items:
            say(("\n" if begun else "") + text(items))
        begun = True

    return show


def show_view(settings: Settings, view: View[Item], *, watch: bool) -> None:
    """Show what is found; a watcher then sees what is new or different, until stopped."""

    async def follow() -> None:
        shown: dict[Hashable, Item] | None = None
        async with open_status_client(settings) as client:
            async for _ in client.statuses():
                found = {view.key(item): item for item in view.find(client)}
                old = shown or {}
                news = [item for key, item in found.items() if old.get(key) != item]
                if news or shown is None:
                    view.show(news)
                if shown is None:
                    view.then(client)
                if not watch:
                    return
                shown = found

    asyncio.run(follow())
