"""Git beside kanade, once or for as long as somebody looks on; nothing is changed."""

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
"""So often it is looked at again while nothing seems to happen: time alone changes a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen at one moment, ready to be printed."""

    text: str
    gist: str
    """What makes it another sight than the last one: the text without what passes with time."""
    differs: bool


Look = Callable[[Runtime, InForce], Awaitable[Sight]]


def look_beside(settings: Settings, look: Look, kind: Output, *, watch: bool) -> int:
    """Print what *look* sees; a watcher then sees whatever it becomes, until stopped.

    Returns:
        The exit code: 1 where something differs.
    """
    return asyncio.run(_look(settings, look, kind, watch=watch))


async def _look(settings: Settings, look: Look, kind: Output, *, watch: bool) -> int:
    async with open_runtime(settings, leader=False) as runtime:
        in_force = await runtime.revisions.look_or_raise()
        sight = await look(runtime, in_force)
        # Which services are to be asked how they are follows from what has been seen.
        if await runtime.health.ask_due():
            sight = await look(runtime, in_force)
        say(_document(sight, kind, watch=watch))
        if watch:
            async with asyncio.TaskGroup() as group:
                for trigger in runtime.triggers:
                    group.create_task(trigger.run(runtime.wake_source))
                group.create_task(_follow_source(runtime))
                group.create_task(runtime.health.run())
                await _go_on(runtime, look, kind, sight.gist)
    return exits.DIFFERENCES if sight.differs else exits.DONE


async def _go_on(runtime: Runtime, look: Look, kind: Output, shown: str) -> None:
    waiting = Waiting()
    while True:
        await runtime.wake.wait(_AT_LATEST)
        in_force = runtime.revisions.in_force
        if in_force is None:
            continue
        try:
            sight = await look(runtime, in_force)
        except KanadeUnavailable as error:
            waiting.go_on(error)
            continue
        waiting.over()
        if sight.gist != shown:
            say(("" if kind.is_data else "\n") + _document(sight, kind, watch=True))
            shown = sight.gist


async def _follow_source(runtime: Runtime) -> None:
    """Fetch whenever the repository may have changed; a bad revision is told in the log."""
    while True:
        await runtime.wake_source.wait()
        if await runtime.revisions.look():
            runtime.wake()


def _document(sight: Sight, kind: Output, *, watch: bool) -> str:
    return ("---\n" if watch and kind is Output.YAML else "") + sight.text
