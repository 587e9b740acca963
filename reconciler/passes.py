"""One pass: observe, plan, apply, publish. It knows nothing but what it has just read."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.apply.applier import Applier, Perform
from reconciler.apply.perform import Performer
from reconciler.errors import ReconcilerError
from reconciler.model.condition import Condition, ConditionType
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.outcome import Applied
from reconciler.model.plan import Plan, Step
from reconciler.model.report import RunFinished, RunStarted
from reconciler.model.status import ControllerStatus, Event, Status
from reconciler.observe.doubt import Doubts
from reconciler.observe.intake import Memory, learn
from reconciler.observe.witness import witness
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from reconciler.ports import (
    Clock,
    Fleet,
    Journal,
    Observer,
    Onlooker,
    Records,
    Reports,
    StatusBoard,
    Sweep,
)
from reconciler.revisions import InForce, Standing
from reconciler.status.approvals import with_approvals
from reconciler.status.change import follow_changes
from reconciler.status.conditions import reachability
from reconciler.status.plan_text import plan_text
from reconciler.status.pruned import pruned, with_prune
from reconciler.status.summarize import (
    summarize_hosts,
    summarize_jobs,
    summarize_releases,
)
from reconciler.status.transitions import transitions


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass over everything, from reports to status, for the revision in force."""

    reports: Reports
    records: Records
    fleet: Fleet
    journal: Journal
    doubts: Doubts
    observer: Observer
    performer: Performer
    applier: Applier
    board: StatusBoard
    clock: Clock
    terms: Terms
    instance: str
    swept: tuple[Sweep, ...] = ()
    """Stores that are cleaned up whenever everything is read again."""
    onlookers: tuple[Onlooker, ...] = ()

    async def make(self, standing: Standing, *, resync: bool = False) -> Applied | None:
        """Reconcile once; `None` when no revision has ever been without a fault.

        A revision that arrives meanwhile is the next pass's. *resync* reads everything as at the
        start, and trusts no warm copy.

        Raises:
            KanadeUnavailable: there is no reading, so nothing was done.
            LeaseLost: another controller leads; what had not begun is not begun.
        """
        began, in_force = self.clock.now(), standing.in_force
        if in_force is None:
            await self._publish(standing, None)
            return None
        if resync:
            for store in self.swept:
                await store.sweep()
        await self.take_reports(in_force.desired)
        observed = await self.observer.observe(in_force.desired, resync=resync)
        todo = plan(in_force.desired, observed, self.clock.now(), self.terms)
        planned = self.clock.now()
        applied = await self.applier.apply(todo, self._performing(todo, in_force))
        await self._publish(standing, (in_force, observed, applied))
        return replace(applied, began=began, planned=planned)

    async def preview(self, desired: Desired) -> tuple[Observed, Plan]:
        """Read and plan, and change nothing."""
        observed = await self.observer.observe(desired)
        return observed, plan(desired, observed, self.clock.now(), self.terms)

    async def take_reports(self, desired: Desired) -> None:
        """Keep what slots and agents have reported, and only then acknowledge it.

        Doubt about what the backend has sent is settled by the hosts' slots first, then by reports,
        then by the backend's own tables, which also have results that RESULTS has lost; a run by
        hand must not be taken for ours meanwhile.
        What a run has proved comes before its end: should the report be lost between the two, an
        attempt without an end asks for a probe, and a success without its proof makes no sense.
        """
        await self.records.refresh()
        await self._check_slots()
        for delivery in await self.reports.take():
            await self._learn(delivery.report, desired)
            await delivery.acknowledge()
        for attempt in await self.doubts.settle(self.records.attempts()):
            await self.journal.record(attempt)
        for report in await self.doubts.missed(self.records.attempts()):
            await self._learn(report, desired)

    async def _learn(self, report: RunStarted | RunFinished, desired: Desired) -> None:
        learned = learn(report, self._memory(), desired)
        for run in learned.begun:
            await self.journal.note_run(run)
        for job, host in learned.ended:
            await self.journal.forget_run(job, host)
        for proof in learned.proofs:
            await self.journal.prove(proof)
        for attempt in learned.attempts:
            await self.journal.record(attempt)

    def _memory(self) -> Memory:
        records = self.records
        return Memory(attempts=records.attempts(), proofs=records.proofs(), runs=records.runs())

    async def _check_slots(self) -> None:
        doubtful = [one for one in self.records.attempts().values() if one.in_doubt]
        if not doubtful:
            return
        await self.fleet.refresh()
        slots = self.fleet.slots()
        for attempt in doubtful:
            seen = witness(attempt, slots.get(attempt.wish.host))
            if seen is not None:
                await self.journal.record(seen)

    def asked(self) -> str:
        """Return the id of a request to reconcile that is not answered yet; empty for none."""
        request = self.records.requests().reconcile
        answered = self.board.read().controller.answered
        return request.id if request is not None and request.id != answered else ""

    def _performing(self, todo: Plan, in_force: InForce) -> Perform:
        async def perform(step: Step) -> None:
            if todo.via is None:
                raise RuntimeError(f"a plan without a way has the step {step.action.key}")
            await self.performer.perform(step, todo.via, in_force.snapshot)

        return perform

    async def report_error(self, standing: Standing, error: ReconcilerError) -> None:
        """Publish why there was no pass, as far as that can still be published."""
        before = self.board.read()
        controller = self._controller(standing, before, error)
        await self._keep(before, replace(before, controller=controller))

    async def _publish(
        self, standing: Standing, done: tuple[InForce, Observed, Applied] | None
    ) -> None:
        before, now = self.board.read(), self.clock.now()
        controller = self._controller(standing, before, None)
        controller = replace(controller, answered=standing.answered or before.controller.answered)
        after = replace(before, controller=controller)
        details = ""
        events: tuple[Event, ...] = ()
        if done is not None:
            in_force, observed, applied = done
            desired, commit = in_force.desired, in_force.snapshot.commit
            releases = summarize_releases(desired, applied, before.releases, now)
            releases = with_approvals(releases, desired, observed, now)
            after = replace(
                after,
                releases=follow_changes(before, releases, commit, now),
                hosts=summarize_hosts(desired, applied.plan, now),
                jobs=summarize_jobs(desired, observed, applied),
            )
            prune = observed.requests.prune
            controller = with_prune(controller, before, applied, prune, now)
            after = replace(after, controller=controller)
            events = tuple(pruned(applied, now))
            if desired.revision != before.controller.revision:
                details = plan_text(applied.plan, desired)
        await self._keep(before, after, details, events)

    async def _keep(
        self, before: Status, after: Status, details: str = "", more: tuple[Event, ...] = ()
    ) -> None:
        events = (*transitions(before, after, self.clock.now(), details), *more)
        await self.board.publish(after, events)
        for onlooker in self.onlookers:
            onlooker.published(before, after)

    def _controller(
        self, standing: Standing, before: Status, error: ReconcilerError | None
    ) -> ControllerStatus:
        """Return how the controller stands; what it has not checked yet stands as before."""
        old, in_force = before.controller, standing.in_force
        source = standing.condition or _find(old.conditions, ConditionType.SOURCE_READY)
        reachable = reachability(error, old.conditions, self.clock.now())
        conditions = (source, reachable, _find(old.conditions, ConditionType.PRUNED))
        return ControllerStatus(
            revision=in_force.desired.revision if in_force is not None else old.revision,
            subject=in_force.snapshot.commit.subject if in_force is not None else old.subject,
            instance=self.instance,
            conditions=tuple(item for item in conditions if item is not None),
            held_prune=old.held_prune,
            observe_only=self.terms.observe_only,
            answered=old.answered,
            prune_word=old.prune_word,
        )


def _find(conditions: Iterable[Condition], kind: ConditionType) -> Condition | None:
    return next((condition for condition in conditions if condition.type is kind), None)
