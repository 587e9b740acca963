"""Git beside kanade, once or for as long as somebody watches; nothing is changed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from reconciler.cli import exits
from reconciler.cli.render import Output, say
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import Settings
from reconciler.cli.waiting import Waiting
from reconciler.cli.wiring import open_runtime
from reconciler.errors import KanadeUnavailable
from reconciler.revisions import InForce

_AT_LATEST = timedelta(seconds=30)
"""So often it is read again while nothing seems to happen: time alone changes a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen at one moment, ready to be printed."""

    text: str
    gist: str
    """What makes it another sight than the last one: the text without what passes with time."""
    differs: bool


Read = Callable[[Runtime, InForce], Awaitable[Sight]]


def show_beside_fleet(settings: Settings, read: Read, kind: Output, *, watch: bool) -> int:
    """Print what *read* returns; a watcher is then shown what changes, until stopped.

    Returns:
        The exit code: 1 where something differs.
    """
    return asyncio.run(_show(settings, read, kind, watch=watch))


async def _show(settings: Settings, read: Read, kind: Output, *, watch: bool) -> int:
    async with open_runtime(settings, leader=False) as runtime:
        in_force = await runtime.revisions.fetch_or_raise()
        sight = await read(runtime, in_force)
        say(_document(sight, kind, watch=watch))
        if watch:
            async with asyncio.TaskGroup() as group:
                for trigger in runtime.triggers:
                    group.create_task(trigger.run(runtime.wake_source))
                group.create_task(_follow_source(runtime))
                await _go_on(runtime, read, kind, sight.gist)
    return exits.DIFFERENCES if sight.differs else exits.DONE


async def _go_on(runtime: Runtime, read: Read, kind: Output, shown: str) -> None:
    waiting = Waiting()
    while True:
        await runtime.wake.wait(_AT_LATEST)
        in_force = runtime.revisions.in_force
        if in_force is None:
            continue
        try:
            sight = await read(runtime, in_force)
        except KanadeUnavailable as error:
            waiting.go_on(error)
            continue
        waiting.over()
        if sight.gist != shown:
            say(("" if kind.is_data else "\n") + _document(sight, kind, watch=True))
            shown = sight.gist


async def _follow_source(runtime: Runtime) -> None:
    """Fetch whenever the repository may have changed; a bad revision is logged."""
    while True:
        await runtime.wake_source.wait()
        if await runtime.revisions.fetch():
            runtime.wake()


def _document(sight: Sight, kind: Output, *, watch: bool) -> str:
    return ("---\n" if watch and kind is Output.YAML else "") + sight.text
