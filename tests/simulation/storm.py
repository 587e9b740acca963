"""What happens around each call of a port: it is late, lost, unanswered, or the last one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random

from reconciler.errors import (
    ArtifactUnavailable,
    KanadeUnavailable,
    ReconcilerError,
    SourceUnavailable,
)
from reconciler.model.identity import HostName
from tests.simulation.climate import Climate
from tests.support.fake_world import Crash, Weather

_QUIET = ("lease.release", "backend.state", "services.ask")
"""These answer for themselves when nobody else does: they never raise."""
_PATIENCE_SECONDS = 5.0


@dataclass(kw_only=True, eq=False)
class Life:
    """One controller process, from its start to its end."""

    number: int
    instance: str
    dead: bool = False
    frozen_until: float = 0.0
    looked_at: float = 0.0
    """When it has last read the hosts and their slots."""
    remembered_at: float = 0.0
    """When it has last read what is kept of our own."""
    leads: Callable[[float], bool] = lambda _: False
    """Whether it leads, by its own clock, for so many seconds more."""
    is_leader: Callable[[], bool] = lambda: False
    """Whether it really is the one whose writes are taken."""
    sees_away: Callable[[HostName], bool] = lambda _: False
    """Whether it takes a host for one that is not there."""
    asked_at: float = 0.0
    """When it has last begun to read what is kept of our own."""
    intended_at: dict[str, float] = field(default_factory=dict)
    """When it has begun to write each key down: of a new command, right after its last look."""
    fetch_began_at: float = 0.0
    fetched_at: float = 0.0
    swept_by: float | None = None
    """When it had fetched what the pass goes by that begins with a sweep."""
    git_before: float = 0.0
    git_at: float = 0.0
    """Commits from before then are surely known to the pass that is under way."""
    has_begun: bool = False
    told_to_end_at: float | None = None
    ends: list[Callable[[], None]] = field(default_factory=list)
    """What goes with the process."""

    def die(self) -> None:
        """Be killed: nothing of it is done any more."""
        self.dead = True
        self.leave()

    def leave(self) -> None:
        """Lose all connections."""
        for end in self.ends:
            end()
        self.ends.clear()

    def end(self) -> None:
        """Be gone, however that came about."""
        self.die()

    def is_over(self, now: float) -> bool:
        """Tell whether it hears no signal, or has heard one."""
        return self.dead or self.told_to_end_at is not None or self.frozen_until > now

    def may_end(self, end: BaseException) -> bool:
        """Tell whether it ends as a process does, and not by a bug of its own."""
        if self.dead or self.told_to_end_at is not None:
            return not _has_bug(end)
        return not self.has_begun and isinstance(end, ReconcilerError)


LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)
"""The controller that is at work; nobody's calls are never disturbed."""


def _has_bug(end: BaseException) -> bool:
    if isinstance(end, BaseExceptionGroup):
        return any(_has_bug(one) for one in end.exceptions)
    return not isinstance(end, Crash | asyncio.CancelledError | ReconcilerError)


Watcher = Callable[[str, str, object, Life], None]
"""Hears `begin`, `act`, `done`, `told` or `fault`, the call, its subject, and whose it is."""


@dataclass(kw_only=True)
class Storm(Weather):
    """The weather of a seed."""

    chance: Random
    climate: Climate
    watch: Watcher = lambda *_: None
    calm: bool = False
    nats_down_until: float = 0.0
    backend_down_until: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    """How many faults of each kind there were."""

    def __post_init__(self) -> None:
        super().__init__()

    @asynccontextmanager
    async def around(self, call: str, subject: object = None) -> AsyncIterator[None]:
        """Let the call be, or not; see `Weather.around`."""
        life = LIFE.get()
        if life is None:
            yield
            return
        self.watch("begin", call, subject, life)
        await self._begin(life, call)
        self.watch("act", call, subject, life)
        yield
        self.watch("done", call, subject, life)
        await self._end(life, call)
        self.watch("told", call, subject, life)

    def delay(self) -> float | None:
        """Return how long what NATS sends by itself is on its way; `None` when it gets lost."""
        if self.hits("gap", self.climate.lost_rate / 4):
            return None
        return self.chance.uniform(0.1, 3) if self.hits("late", self.climate.slow_rate / 4) else 0

    def hits(self, kind: str, rate: float) -> bool:
        """Tell whether a fault happens now, at this *rate*, and count it."""
        if self.calm or not rate or self.chance.random() >= rate:
            return False
        self.counts[kind] += 1
        return True

    def is_down(self, call: str) -> bool:
        """Tell whether nobody is there to take *call*."""
        now = asyncio.get_running_loop().time()
        if call in ("http.exec", "backend.schema") and now < self.backend_down_until:
            return True
        return not call.startswith(("source.", "artifacts.")) and now < self.nats_down_until

    async def _begin(self, life: Life, call: str) -> None:
        await self._pass_time(life)
        self._may_die(life, call)
        if self.is_down(call) or self.hits("lost", self.climate.lost_rate):
            await self._lose(life, call, "lost")

    async def _end(self, life: Life, call: str) -> None:
        self._may_die(life, call)
        await self._pass_time(life)
        if self.hits("unanswered", self.climate.unanswered_rate):
            await self._lose(life, call, "unanswered")

    async def _lose(self, life: Life, call: str, kind: str) -> None:
        if call in _QUIET:
            return
        self.watch("fault", call, kind, life)
        await asyncio.sleep(self.chance.uniform(0, _PATIENCE_SECONDS))
        await self._thaw(life)
        raise _silence(call)

    async def _pass_time(self, life: Life) -> None:
        if self.calm:
            await asyncio.sleep(0)
        else:
            slow = self.hits("slow", self.climate.slow_rate)
            await asyncio.sleep(self.chance.uniform(0.1, 4) if slow else self.chance.random() / 100)
        await self._thaw(life)

    async def _thaw(self, life: Life) -> None:
        """Go on when the process does, if it still does."""
        loop = asyncio.get_running_loop()
        while (left := life.frozen_until - loop.time()) > 0:  # noqa: ASYNC110 (it may be longer by then)
            await asyncio.sleep(min(left + 0.001, _PATIENCE_SECONDS))
        if life.dead:
            raise Crash

    def _may_die(self, life: Life, call: str) -> None:
        if self.hits("crash", self.climate.crash_rate):
            self.watch("fault", call, "crash", life)
            life.die()
            raise Crash


def _silence(call: str) -> ReconcilerError:
    if call.startswith("source."):
        return SourceUnavailable("git does not answer")
    if call.startswith("artifacts."):
        return ArtifactUnavailable("the artifact's server does not answer")
    return KanadeUnavailable(f"{call}: no answer")
