"""The loop: observe, plan, apply, publish; then wait until there is reason for another pass.

It is level-triggered. A wake carries no content; everything that the loop knows it has just read,
so a restart at any instant changes nothing but the time it takes.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.model.outcome import Applied
from reconciler.passes import Pass
from reconciler.ports import (
    RENEWAL,
    Clock,
    Leadership,
)
from reconciler.revisions import Revisions
from reconciler.source.trigger import PendingWake

_FIRST_RETRY = timedelta(seconds=1)
_LONGEST_RETRY = timedelta(seconds=30)
_CANDIDACY = timedelta(seconds=0.5)

log = structlog.get_logger()


@dataclass(kw_only=True)
class Controller:
    """Makes passes while it leads; it owns nothing that a restart could lose."""

    work: Pass
    revisions: Revisions
    lease: Leadership
    clock: Clock
    resync: timedelta = timedelta(minutes=10)
    wake: PendingWake = field(default_factory=PendingWake)
    """Called when anything but the repository may have changed."""
    wake_source: PendingWake = field(default_factory=PendingWake)
    """Called when the repository may have."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: str = ""
    """The id of a person's request to reconcile that is being answered."""
    _resync_at: float = 0.0
    """When a pass next trusts no warm copy."""
    _passing: bool = False
    """A pass is under way: it ends under the term that it began under, or not at all."""

    async def run(self) -> None:
        """Reconcile until `stop`; a pass that is under way then is finished first."""
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._lead()), group.create_task(self._follow())]
            try:
                await self._loop()
            finally:
                for keeper in keepers:
                    keeper.cancel()
        await self.lease.release()

    def stop(self) -> None:
        """End `run` after the pass that is under way."""
        self.stopping.set()
        self.wake()

    async def _loop(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            limit = self.resync
            resync = self.clock.monotonic() >= self._resync_at
            try:
                if self.lease.leads:
                    limit = self._until(await self._pass(resync=resync))
                    self._heed()
                    if resync:
                        self._resync_at = self.clock.monotonic() + self.resync.total_seconds()
                failures = 0
            except LeaseLost as error:
                log.warning("lease lost", error=str(error))
            except ReconcilerError as error:
                limit = min(_FIRST_RETRY * 2 ** min(failures, 8), _LONGEST_RETRY)
                failures += 1
                seconds = limit.total_seconds()
                log.warning("pass failed", reason=error.reason, error=str(error), again_in=seconds)
                with suppress(ReconcilerError):
                    await self.work.report_error(self.revisions.standing, error)
            await self.wake.wait(limit)

    def _heed(self) -> None:
        """Fetch the repository, too, when a person asks; the pass after that answers."""
        asked, before = self.work.asked(), self._asked
        self._asked = asked
        if asked not in ("", before):
            self.wake_source()

    async def _pass(self, *, resync: bool) -> Applied | None:
        began = self.clock.monotonic()
        applied, reason = None, ""
        self._passing = True
        try:
            applied = await self.work.make(self.revisions.standing, resync=resync)
        except ReconcilerError as error:
            reason = error.reason
            raise
        finally:
            self._passing = False
            took = timedelta(seconds=self.clock.monotonic() - began)
            for onlooker in self.work.onlookers:
                onlooker.passed(took, applied, reason)
        return applied

    def _until(self, applied: Applied | None) -> timedelta:
        """Return how long nothing will change unless the loop is woken."""
        moments: list[datetime | None] = [self.work.applier.patience.next_try]
        now = self.clock.now()
        if applied is not None:
            moments += [applied.plan.wake_at, now if applied.has_learned else None]
        waits = [max(moment - now, _FIRST_RETRY / 20) for moment in moments if moment is not None]
        return min([*waits, self.resync])

    async def _lead(self) -> None:
        """Keep the lease, or wait for it.

        Never a new term beside a pass: what it had planned under the old one would be valid again,
        though others may have led, and done it, in between.
        """
        while True:
            led = self.lease.leads
            try:
                if led or self._passing:
                    await self.lease.renew()
                else:
                    await self.lease.attempt()
            except ReconcilerError as error:
                log.warning("lease not renewed", reason=error.reason, error=str(error))
            if self.lease.leads != led:
                self.wake()
            waits = not (self.lease.leads or self._passing)
            await self.clock.sleep(_CANDIDACY if waits else RENEWAL)

    async def _follow(self) -> None:
        """Fetch whenever the repository may have changed, beside the passes, not before them."""
        while True:
            began, asked = self.clock.now(), self._asked
            if await self.revisions.fetch(asked):
                self.work.applier.patience.forget()
            for onlooker in self.work.onlookers:
                onlooker.fetched(began, self.clock.now(), self.revisions.fetched)
            if asked:
                self._resync_at = 0.0
                self.work.applier.patience.forget()
            self.wake()
            await self.wake_source.wait()
