"""Carries the events of our stream to one target, one after the other, until it has them.

An event that does not get through holds up those after it: a green light that overtakes the
red one before it would be a lie. It is given up after so many attempts, and that is logged.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from reconciler.errors import NotificationNotDelivered, ReconcilerError, Undeliverable
from reconciler.jetstream.queue import Queue, Turn
from reconciler.model.status import Event
from reconciler.notify.target import Target
from reconciler.ports import Clock
from reconciler.state.codec import decode

_FIRST_DELAY = timedelta(seconds=1)
_LONGEST_DELAY = timedelta(minutes=5)
_MOST_PATIENCE = timedelta(hours=1)
"""No far end makes us wait longer than this."""
_PAUSE = timedelta(seconds=1)
_REMEMBERED = 1000
"""So many ids of events that were sent, should one be stored or given out twice."""

log = structlog.get_logger()

Tally = Callable[[str, str], None]
"""Is called with the name of the target and the result of an event's delivery."""


@dataclass(frozen=True, kw_only=True)
class Courier:
    """Only the leader's couriers carry anything; who takes over goes on where they stood."""

    target: Target
    queue: Queue
    leads: Callable[[], bool]
    clock: Clock
    tally: Tally = lambda _target, _result: None
    _sent: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED), init=False)

    async def run(self) -> None:
        """Carry until cancelled."""
        try:
            while True:
                await self._carry()
        finally:
            await self.queue.close()

    async def _carry(self) -> None:
        try:
            await self.queue.open()
            while True:
                await self._next()
        except ReconcilerError as error:
            log.warning("notifications wait", target=self.target.name, error=str(error))
            await self.clock.sleep(_PAUSE)

    async def _next(self) -> None:
        if not self.leads():
            await self.clock.sleep(_PAUSE)
            return
        turn = await self.queue.next()
        if turn is not None:
            await self._take(turn)

    async def _take(self, turn: Turn) -> None:
        try:
            event = decode(turn.data, Event)
            event = replace(event, id=event.id or str(turn.sequence))
        except ValueError as error:
            log.warning("event unreadable", sequence=turn.sequence, error=str(error))
            await self.queue.done(turn)
            return
        if event.id in self._sent or not self.target.wants(event):
            await self.queue.done(turn)
        elif await self._sends(event, turn):
            self._sent.append(event.id)
            await self.queue.done(turn)

    async def _sends(self, event: Event, turn: Turn) -> bool:
        """Send *event*; what does not get through is put off, or given up, here."""
        try:
            await self.target.provider.send(event)
        except ReconcilerError as error:
            delay = delay_before(turn.deliveries, error)
            last = turn.deliveries >= self.target.attempts or isinstance(error, Undeliverable)
            self._tell("given_up" if last else "put_off", event, turn, error)
            await (self.queue.give_up(turn) if last else self.queue.put_off(turn, delay))
            return False
        self.tally(self.target.name, "sent")
        return True

    def _tell(self, result: str, event: Event, turn: Turn, error: ReconcilerError) -> None:
        self.tally(self.target.name, result)
        (log.error if result == "given_up" else log.warning)(
            f"notification {result.replace('_', ' ')}",
            target=self.target.name,
            event_kind=event.kind,
            release=event.release,
            attempt=turn.deliveries,
            reason=error.reason,
            error=str(error),
        )


def delay_before(attempts: int, error: ReconcilerError) -> timedelta:
    """Return how long to wait after so many *attempts*: as asked, else ever longer."""
    if isinstance(error, NotificationNotDelivered) and error.after is not None:
        return max(_FIRST_DELAY, min(error.after, _MOST_PATIENCE))
    return min(_FIRST_DELAY * (1 << min(attempts - 1, 20)), _LONGEST_DELAY)
