"""Leadership by a lease in our bucket: any number of controllers may run, one leads.

Two keys. The *term* is written only when leadership changes hands, and every write of the
leader's is fenced by its sequence, so that a leader who was stopped and wakes up changes nothing.
The *beat* is renewed; one that sees it unchanged for the lease's whole length may take over, by
its own clock alone: no two clocks are compared.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import structlog

from reconciler.errors import Conflict, KanadeRefused, KanadeUnavailable, LeaseLost
from reconciler.jetstream.kv import Bucket, Fence
from reconciler.jetstream.message import Message
from reconciler.jetstream.mirror import Mirror
from reconciler.ports import Clock
from reconciler.state.codec import encode
from reconciler.state.names import BEAT, TERM

LENGTH = timedelta(seconds=15)
_MARGIN = timedelta(seconds=3)

Make = Callable[[], Awaitable[None]]
"""Makes our buckets where they are missing, and copies of them where there are too few."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who leads."""

    instance: str


class KvLease:
    """Implements `ports.Lease`; `attempt` and `renew` are the loop's to call."""

    def __init__(
        self, bucket: Bucket, mirror: Mirror, instance: str, clock: Clock, make: Make
    ) -> None:
        self._bucket = bucket
        self._make = make
        self._mirror = mirror
        self._instance = instance
        self._clock = clock
        self._term: int | None = None
        self._good_until = 0.0
        self._seen: tuple[int, float] | None = None

    @property
    def leads(self) -> bool:
        """True while the lease is ours and has not run out."""
        return self._left() > 0

    @property
    def fence(self) -> Fence:
        """What every write of the leader's asserts.

        Raises:
            LeaseLost: we do not lead.
        """
        if self._term is None:
            raise LeaseLost("another controller leads")
        return self._bucket.subject(TERM), self._term

    async def confirm(self, for_at_least: timedelta, *, renew: bool = False) -> None:
        """See `ports.Lease`."""
        if renew or self._left() < for_at_least.total_seconds():
            await self.renew()
        if self._left() < for_at_least.total_seconds():
            raise LeaseLost("the lease has run out, or another controller leads")

    def _left(self) -> float:
        return self._good_until - self._clock.monotonic() if self._term is not None else 0.0

    async def attempt(self) -> bool:
        """Take the lease when it is free, ours from before, or has run out; return whether we lead.

        Raises:
            KanadeUnavailable: NATS did not answer.
        """
        if self.leads:
            return True
        self._term, self._good_until = None, 0.0
        try:
            await self._mirror.refresh()
        except KanadeRefused:
            await self._make()
            await self._mirror.refresh()
        term = self._mirror.live.get(self._bucket.subject(TERM))
        holder = holder_of(term)
        if holder not in ("", self._instance) and not self._has_run_out():
            return False
        expected = term.sequence if term is not None else 0
        try:
            claim = encode(Holder(instance=self._instance))
            self._term = await self._bucket.put(TERM, claim, expected=expected)
            await self.renew()
        except (Conflict, LeaseLost):
            self._term = None
            return False
        log.info("leading", instance=self._instance, term=self._term)
        return True

    async def renew(self) -> None:
        """Make the lease last for its whole length again, from before the write was sent.

        Raises:
            LeaseLost: another controller has taken over.
            KanadeUnavailable: no answer; the lease lasts as long as it lasted before.
        """
        sent_at = self._clock.monotonic()
        try:
            beat = encode(Holder(instance=self._instance))
            await self._bucket.put(BEAT, beat, fence=self.fence)
        except Conflict as error:
            self._term = None
            raise LeaseLost("another controller leads") from error
        self._good_until = sent_at + (LENGTH - _MARGIN).total_seconds()

    async def release(self) -> None:
        """Let others take over at once; where that fails they wait for the lease's length."""
        if self._term is None:
            return
        term, self._term = self._term, None
        try:
            await self._bucket.put(TERM, encode(Holder(instance="")), expected=term)
        except (Conflict, KanadeUnavailable) as error:
            log.info("lease not released", error=str(error))

    def _has_run_out(self) -> bool:
        """True when we ourselves have seen the same beat for the lease's whole length."""
        beat = self._mirror.live.get(self._bucket.subject(BEAT))
        sequence, now = beat.sequence if beat is not None else 0, self._clock.monotonic()
        if self._seen is None or self._seen[0] != sequence:
            self._seen = (sequence, now)
        return now - self._seen[1] >= LENGTH.total_seconds()


def holder_of(term: Message | None) -> str:
    """Return who has taken the lease, by its term; empty where nobody has, or it is unknown."""
    try:
        return msgspec.json.decode(term.data, type=Holder).instance if term is not None else ""
    except (msgspec.DecodeError, msgspec.ValidationError):
        return ""
