"""Controllers that are started, killed, stopped for a while, and started again."""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from reconciler.cli.commands.run import _GRACE_SECONDS
from reconciler.cli.own_state import OwnState, open_own_state
from reconciler.controller import Controller
from reconciler.errors import ReconcilerError
from reconciler.model.identity import HostName, Version
from reconciler.model.observed import Presence
from reconciler.observe.health import HealthWatch
from reconciler.plan.terms import Terms
from tests.simulation.climate import Climate
from tests.simulation.storm import LIFE, Life
from tests.simulation.theatre import Theatre
from tests.support.fake_connection import FakeConnection
from tests.support.fake_state import WatchedRecords
from tests.support.fake_world import Crash
from tests.support.fakes import connect
from tests.support.virtual_time import LoopClock


@dataclass
class AskedServices:
    """Implements `ports.Services`: each tells of itself what is true."""

    theatre: Theatre

    async def ask(self, url: str, _version: Version | None = None, /) -> str | None:
        host = HostName(url.split("/")[2])
        async with self.theatre.weather.around("services.ask", host):
            return f"{url} answers 503" if self.theatre.services.sick_seconds(host) else None


@dataclass(kw_only=True)
class Seat:
    """Where one controller runs: whoever keeps it starts the next one when it has died."""

    instance: str
    theatre: Theatre
    climate: Climate
    terms: Terms
    chance: Random
    clock: LoopClock
    life: Life | None = None
    lives: int = 0
    controller: Controller | None = None
    _health: HealthWatch | None = None
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    async def keep(self) -> None:
        """Let one controller live after the other, for ever."""
        while True:
            await asyncio.sleep(self.chance.uniform(0, 5))
            self.lives += 1
            self.life = Life(number=self.lives, instance=self.instance)
            self.theatre.oracle.trace.tell(self.instance, f"life {self.lives} begins")
            self.controller = None
            await self._live(self.life)

    async def _live(self, life: Life) -> None:
        async with asyncio.TaskGroup() as group:
            self._task = group.create_task(self._run(life))

    async def _run(self, life: Life) -> None:
        """Live until it is killed, told to end, or cannot begin because NATS does not answer."""
        LIFE.set(life)
        theatre = self.theatre
        connection = FakeConnection(theatre.nats, theatre.weather.around, theatre.storm.delay)
        life.ends.append(connection.drop)
        try:
            await self._open_and_work(life, connection)
        except (ReconcilerError, asyncio.CancelledError, BaseExceptionGroup, Crash) as end:
            theatre.oracle.trace.tell(self.instance, f"life {life.number} ends: {end!r}")
            if not life.may_end(end):
                raise
        finally:
            life.end()

    async def _open_and_work(self, life: Life, connection: FakeConnection) -> None:
        wake = self.theatre.changed
        opened = open_own_state(connection, life.instance, self.clock, wake, create=True)
        async with opened as own:
            life.has_begun = True
            records = WatchedRecords.over(self.theatre.weather, own.records)
            self.controller = self._start(life, replace(own, records=records))
            async with asyncio.TaskGroup() as group:
                health = self._health
                beside = [group.create_task(health.run())] if health is not None else []
                await self.controller.run()
                for task in beside:
                    task.cancel()

    def _start(self, life: Life, own: OwnState) -> Controller:
        if self.climate.policy.watches_health:
            services = AskedServices(self.theatre)
            self._health = HealthWatch(services, self.clock, self.theatre.changed)
        beats, wakes = self.theatre.heartbeats, self.theatre.wakes
        before = len(beats), len(wakes)
        fakes = connect(self.theatre, life.instance, self.terms, self._health, own, self.clock)
        controller = fakes.controller(self.climate.resync)
        life.ends += [partial(beats.remove, one) for one in beats[before[0] :]]
        life.ends += [partial(wakes.remove, one) for one in wakes[before[1] :]]
        life.leads = lambda seconds: own.lease._left() >= seconds
        life.sees_away = lambda host: fakes.fleet.presence(host) is Presence.OFFLINE
        life.is_leader = lambda: own.lease._term == self.theatre.own.term
        return controller

    def look(self) -> None:
        """Say that the repository may have changed."""
        if self.controller is not None:
            self.controller.wake_source()

    async def look_often(self) -> None:
        """Say so every minute, as the timer of the command line does."""
        while True:
            await asyncio.sleep(60)
            self.look()

    def kill(self) -> None:
        """Kill the process, at whatever it is."""
        if self.life is not None and self._task is not None:
            self.life.die()
            self._task.cancel()

    def end(self) -> None:
        """Tell the process to end (SIGTERM): after its pass, or after some seconds anyway."""
        life, task = self.life, self._task
        now = asyncio.get_running_loop().time()
        if life is None or task is None or self.controller is None or life.is_over(now):
            return
        life.told_to_end_at = now
        self.controller.stop()
        self.theatre.spawn(self._cancel(life, task))

    async def _cancel(self, life: Life, task: asyncio.Task[None]) -> None:
        await asyncio.sleep(_GRACE_SECONDS)
        if not task.done():
            life.leave()
            task.cancel()

    def stop(self, seconds: float) -> None:
        """Stop the process (SIGSTOP), and let it go on after *seconds*."""
        if self.life is not None:
            self.life.frozen_until = asyncio.get_running_loop().time() + seconds
