"""What is true of a release, in the manner of kstatus; pure, from a plan and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.errors import ReconcilerError
from reconciler.model.action import ExecJob, OfferRevert
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.desired import Release
from reconciler.model.failure import FailureClass
from reconciler.model.identity import ReleaseName, Revision
from reconciler.model.outcome import Applied, StepOutcome
from reconciler.model.plan import DRIFTED, ENDED_BADLY, Assessment, Deferred, Plan, State
from reconciler.plan.approval import approvals_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a release's conditions follow from."""

    release: Release
    views: tuple[Assessment, ...]
    blocked: Deferred | None
    unapproved: Deferred | None
    failed: tuple[StepOutcome, ...]
    drift: tuple[str, ...]
    """What is not as it was in kanade's stores: put right just now, or only reported."""

    @property
    def ended_badly(self) -> tuple[Assessment, ...]:
        """The hosts that have failed."""
        return tuple(view for view in self.views if view.state in ENDED_BADLY)


def facts_of(release: Release, applied: Applied) -> Facts:
    """Gather what a pass has left to be reported of *release*."""
    plan = applied.plan
    return Facts(
        release=release,
        views=plan.hosts.get(release.name, ()),
        blocked=plan.blocked.get(release.name),
        unapproved=plan.unapproved.get(release.name),
        failed=tuple(
            item
            for item in applied.failed
            if item.step.release == release.name and not isinstance(item.step.action, OfferRevert)
        ),
        drift=tuple(_stores_drift(release.name, plan)),
    )


def conditions_of(
    facts: Facts, revision: Revision, before: Iterable[Condition], now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions; the time of each moves only when it changes."""
    ready, stalled = _ready(facts), _stalled(facts)
    busy = ready.status is not Truth.TRUE and stalled.status is not Truth.TRUE
    reconciling = (
        _condition(ConditionType.RECONCILING, Truth.TRUE, ready.reason, ready.message)
        if busy
        else _condition(ConditionType.RECONCILING, Truth.FALSE, "Settled", "nothing is under way")
    )
    found = [ready, reconciling, stalled, _drift(facts)]
    if facts.release.verify.http is not None:
        found.append(_healthy(facts.views))
    blocked = facts.blocked
    if approvals_needed(facts.release):
        found.append(_approved(facts.unapproved))
    if blocked is not None and blocked.reason == "Suspended":
        found.append(_condition(ConditionType.SUSPENDED, Truth.TRUE, "Suspended", blocked.message))
    old = {condition.type: condition for condition in before}
    return tuple(since(replace(item, revision=revision), old.get(item.type), now) for item in found)


def reachability(
    error: ReconcilerError | None, before: Iterable[Condition], now: datetime
) -> Condition:
    """Return whether kanade can be read; *error* is why the last pass could not be made."""
    kind = ConditionType.KANADE_READY
    old = next((condition for condition in before if condition.type is kind), None)
    if error is None:
        return since(_condition(kind, Truth.TRUE, "Reachable", "kanade can be read"), old, now)
    return since(_condition(kind, Truth.FALSE, error.reason, str(error)), old, now)


def since(new: Condition, old: Condition | None, now: datetime) -> Condition:
    """Return *new* with the time since when it is as it is."""
    content = (new.status, new.reason, new.message)
    if old is not None and content == (old.status, old.reason, old.message):
        return replace(new, since=old.since)
    return replace(new, since=now)


def _ready(facts: Facts) -> Condition:
    kind = ConditionType.READY
    if facts.failed:
        return _condition(kind, Truth.FALSE, facts.failed[0].reason, facts.failed[0].message)
    wrong = facts.ended_badly
    if wrong:
        count = f"{len(wrong)} of {len(facts.views)} hosts failed"
        message = f"{count}; {wrong[0].host}: {wrong[0].message}"
        return _condition(kind, Truth.FALSE, wrong[0].reason, message)
    if facts.blocked is not None:
        return _condition(kind, Truth.FALSE, facts.blocked.reason, facts.blocked.message)
    return _progress(facts.release, facts.views)


def _progress(release: Release, views: tuple[Assessment, ...]) -> Condition:
    kind = ConditionType.READY
    done = sum(view.state is State.CONVERGED for view in views)
    proved = f"{done} of {len(views)} hosts run {release.package} {release.version}, proved"
    if not views:
        return _condition(kind, Truth.FALSE, "NoHosts", "the targets select no host today")
    if done == len(views):
        return _condition(kind, Truth.TRUE, "Converged", proved)
    if any(view.state is State.UNKNOWN for view in views):
        return _condition(kind, Truth.UNKNOWN, "NoEvidence", proved)
    return _condition(kind, Truth.FALSE, "Progressing", proved)


def _stalled(facts: Facts) -> Condition:
    kind = ConditionType.STALLED
    for view in facts.ended_badly:
        fix = view.failure.fix if view.failure is not None else ""
        message = f"{view.host}: {view.message}" + (f"; {fix}" if fix else "")
        return _condition(kind, Truth.TRUE, view.reason, message)
    if facts.blocked is not None and facts.blocked.needs_person:
        return _condition(kind, Truth.TRUE, facts.blocked.reason, facts.blocked.message)
    for outcome in facts.failed:
        if not outcome.transient:
            return _condition(kind, Truth.TRUE, outcome.reason, outcome.message)
    return _condition(kind, Truth.FALSE, "Progressing", "nothing keeps it from going on")


def _drift(facts: Facts) -> Condition:
    kind = ConditionType.DRIFT_DETECTED
    drifted = [view for view in facts.views if view.drifted]
    if drifted:
        message = f"{len(drifted)} hosts; {drifted[0].host}: {drifted[0].message}"
        return _condition(kind, Truth.TRUE, DRIFTED, message)
    if facts.drift:
        return _condition(kind, Truth.TRUE, DRIFTED, facts.drift[0])
    return _condition(kind, Truth.FALSE, "NoDrift", "nothing differs from git")


def _stores_drift(release: ReleaseName, plan: Plan) -> list[str]:
    steps = [
        f"{step.action.key}: {step.message}"
        for step in plan.steps
        if step.release == release
        and step.reason == DRIFTED
        and not isinstance(step.action, ExecJob)
    ]
    reported = [
        item.message
        for item in plan.deferred
        if item.release == release and item.host is None and item.reason == "DriftReported"
    ]
    return steps + reported


def _healthy(views: tuple[Assessment, ...]) -> Condition:
    kind = ConditionType.HEALTHY
    sick = [
        (view.host, view.unhealthy or view.message)
        for view in views
        if view.unhealthy or view.reason == FailureClass.UNHEALTHY
    ]
    if sick:
        host, message = sick[0]
        return _condition(kind, Truth.FALSE, "Unhealthy", f"{len(sick)} hosts; {host}: {message}")
    if any(view.state is not State.CONVERGED for view in views):
        return _condition(kind, Truth.UNKNOWN, "Progressing", "not every host is proved yet")
    return _condition(kind, Truth.TRUE, "Healthy", f"{len(views)} services are healthy")


def _approved(unapproved: Deferred | None) -> Condition:
    kind = ConditionType.APPROVED
    if unapproved is not None:
        return _condition(kind, Truth.FALSE, unapproved.reason, unapproved.message)
    return _condition(kind, Truth.TRUE, "NotWaiting", "no approval is outstanding")


def _condition(kind: ConditionType, status: Truth, reason: str, message: str) -> Condition:
    return Condition(
        type=kind, status=status, reason=reason, message=message, revision=None, since=_NEVER
    )


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
