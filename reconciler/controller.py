"""The loop: look at the fleet, plan, apply, tell; then wait until there is reason to look again.

It is level-triggered. Whatever wakes it says only "look again"; everything that it knows it has
just read, so a restart at any instant changes nothing but the time it takes.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from reconciler.apply.applier import Applier, Perform
from reconciler.apply.perform import Performer
from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.outcome import Applied
from reconciler.model.plan import Plan, Step
from reconciler.model.status import ControllerStatus, Status
from reconciler.observe.intake import Memory, learn, witness
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from reconciler.ports import (
    Clock,
    Fleet,
    Journal,
    Leadership,
    Observer,
    Records,
    Reports,
    StatusBoard,
    Sweep,
)
from reconciler.revisions import InForce, Revisions
from reconciler.source.trigger import PendingWake
from reconciler.status.summarize import (
    reachability,
    summarize_hosts,
    summarize_jobs,
    summarize_releases,
)
from reconciler.status.transitions import transitions

_FIRST_RETRY = timedelta(seconds=1)
_LONGEST_RETRY = timedelta(seconds=30)
_RENEWAL = timedelta(seconds=5)
_CANDIDACY = timedelta(seconds=1)

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One look at everything, from reports to status, for the revision in force."""

    reports: Reports
    records: Records
    fleet: Fleet
    journal: Journal
    observer: Observer
    performer: Performer
    applier: Applier
    board: StatusBoard
    clock: Clock
    terms: Terms
    instance: str
    swept: tuple[Sweep, ...] = ()
    """Stores that are cleaned up whenever everything is read anew."""

    async def make(self, revisions: Revisions, *, anew: bool = False) -> Applied | None:
        """Reconcile once; `None` when no revision has ever been good enough to go by.

        *anew* reads everything as at the start, and trusts no warm copy.

        Raises:
            KanadeUnavailable: there is no reading, so nothing was done.
            LeaseLost: another controller leads; what had not begun is not begun.
        """
        in_force = revisions.in_force
        if in_force is None:
            await self._tell(revisions, None)
            return None
        if anew:
            for store in self.swept:
                await store.sweep()
        await self.take_reports(in_force.desired)
        observed = await self.observer.observe(in_force.desired, anew=anew)
        todo = plan(in_force.desired, observed, self.clock.now(), self.terms)
        applied = await self.applier.apply(todo, self._performing(todo, in_force))
        await self._tell(revisions, (in_force.desired, observed, applied))
        return applied

    async def look(self, desired: Desired) -> tuple[Observed, Plan]:
        """Read and plan, and change nothing."""
        observed = await self.observer.observe(desired)
        return observed, plan(desired, observed, self.clock.now(), self.terms)

    async def take_reports(self, desired: Desired) -> None:
        """Keep what agents have said, and only then say that we have it."""
        await self.records.refresh()
        for delivery in await self.reports.take():
            memory = Memory(attempts=self.records.attempts(), proofs=self.records.proofs())
            learned = learn(delivery.report, memory, desired)
            for attempt in learned.attempts:
                await self.journal.record(attempt)
            for proof in learned.proofs:
                await self.journal.prove(proof)
            await delivery.acknowledge()
        slots = self.fleet.slots()
        for attempt in self.records.attempts().values():
            seen = witness(attempt, slots.get(attempt.wish.host))
            if seen is not None:
                await self.journal.record(seen)

    def _performing(self, todo: Plan, in_force: InForce) -> Perform:
        async def perform(step: Step) -> None:
            if todo.via is not None:
                await self.performer.perform(step, todo.via, in_force.snapshot)

        return perform

    async def tell_trouble(self, revisions: Revisions, error: ReconcilerError) -> None:
        """Say in the status why there was no pass, as far as that can still be said."""
        before, now = self.board.read(), self.clock.now()
        controller = self._controller(revisions, before, error)
        await self.board.tell(
            replace(before, controller=controller),
            transitions(before, replace(before, controller=controller), now),
        )

    async def _tell(
        self, revisions: Revisions, done: tuple[Desired, Observed, Applied] | None
    ) -> None:
        before, now = self.board.read(), self.clock.now()
        after = replace(before, controller=self._controller(revisions, before, None))
        if done is not None:
            desired, observed, applied = done
            after = replace(
                after,
                releases=summarize_releases(desired, applied, before.releases, now),
                hosts=summarize_hosts(desired, applied.plan),
                jobs=summarize_jobs(desired, observed, applied.plan),
            )
        await self.board.tell(after, transitions(before, after, now))

    def _controller(
        self, revisions: Revisions, before: Status, error: ReconcilerError | None
    ) -> ControllerStatus:
        in_force = revisions.in_force
        reachable = reachability(error, before.controller.conditions, self.clock.now())
        conditions = (revisions.condition, reachable)
        return ControllerStatus(
            revision=in_force.desired.revision if in_force is not None else None,
            subject=in_force.snapshot.commit.subject if in_force is not None else "",
            instance=self.instance,
            conditions=tuple(condition for condition in conditions if condition is not None),
        )


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
        failures, resync_at = 0, self.clock.monotonic()
        while not self.stopping.is_set():
            limit = self.resync
            anew = self.clock.monotonic() >= resync_at
            try:
                if self.lease.leads:
                    limit = self._until(await self.work.make(self.revisions, anew=anew))
                    if anew:
                        resync_at = self.clock.monotonic() + self.resync.total_seconds()
                failures = 0
            except LeaseLost as error:
                log.warning("lease lost", error=str(error))
            except ReconcilerError as error:
                limit = min(_FIRST_RETRY * 2 ** min(failures, 8), _LONGEST_RETRY)
                failures += 1
                seconds = limit.total_seconds()
                log.warning("pass failed", reason=error.reason, error=str(error), again_in=seconds)
                with suppress(ReconcilerError):
                    await self.work.tell_trouble(self.revisions, error)
            await self.wake.wait(limit)

    def _until(self, applied: Applied | None) -> timedelta:
        """Return how long nothing will change unless something rings."""
        moments: list[datetime | None] = [self.work.applier.patience.next_try]
        if applied is not None:
            moments.append(applied.plan.wake_at)
        now = self.clock.now()
        waits = [max(moment - now, _FIRST_RETRY / 20) for moment in moments if moment is not None]
        return min([*waits, self.resync])

    async def _lead(self) -> None:
        """Keep the lease, or wait for it."""
        while True:
            led = self.lease.leads
            try:
                if led:
                    await self.lease.renew()
                else:
                    await self.lease.attempt()
            except ReconcilerError as error:
                log.warning("lease not renewed", reason=error.reason, error=str(error))
            if self.lease.leads != led:
                self.wake()
            await self.clock.sleep(_RENEWAL if self.lease.leads else _CANDIDACY)

    async def _follow(self) -> None:
        """Fetch whenever the repository may have changed, beside the passes, not before them."""
        while True:
            if await self.revisions.look():
                self.work.applier.patience.forget()
            self.wake()
            await self.wake_source.wait()
