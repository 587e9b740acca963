"""Passes as the status sees them: what stands where, what is held, and what failed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from msgspec import structs

from reconciler.model.condition import Condition, ConditionType
from reconciler.model.desired import Release
from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import Assessment, Deferred, Plan, State
from reconciler.model.status import ReleaseStatus
from reconciler.status.summarize import summarize_releases
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.steps import step

ITEM = builders.release(hosts=("pc-01", "pc-02"))
LATER = NOON + timedelta(minutes=5)
FAILURE = Failure(
    kind=FailureClass.SERVICE_DID_NOT_START,
    cause="the new service did not come up",
    fix="publish a version that starts",
    next=Next.ROLL_BACK,
    install_intact=True,
)


def view(host: str, state: State, **changes: object) -> Assessment:
    failed = state in (State.FAILED, State.TIMED_OUT)
    reason = str(FAILURE.kind) if failed else "InFlight"
    message = FAILURE.cause if failed else f"it is {state}"
    built = Assessment(
        host=HostName(host),
        state=state,
        reason=reason,
        message=message,
        failure=FAILURE if failed else None,
    )
    return structs.replace(built, **changes)


def held(reason: str, *, person: bool = False) -> Deferred:
    return Deferred(
        release=ITEM.name,
        host=None,
        reason=reason,
        message=f"it waits: {reason}",
        needs_person=person,
    )


def failed_step(*, transient: bool) -> StepOutcome:
    return StepOutcome(
        step=replace(step("install-tool"), release=ITEM.name),
        state=StepState.FAILED,
        reason="KanadeUnavailable" if transient else "NoRoom",
        message="silent" if transient else "full",
        transient=transient,
    )


def applied(
    *views: Assessment,
    blocked: Deferred | None = None,
    unapproved: Deferred | None = None,
    failed: tuple[StepOutcome, ...] = (),
) -> Applied:
    plan = Plan(
        revision=REVISION,
        hosts={ITEM.name: views},
        blocked={ITEM.name: blocked} if blocked is not None else {},
        unapproved={ITEM.name: unapproved} if unapproved is not None else {},
    )
    return Applied(plan=plan, outcomes=failed)


def told(
    done: Applied,
    release: Release = ITEM,
    before: Mapping[ReleaseName, ReleaseStatus] | None = None,
) -> ReleaseStatus:
    found = summarize_releases(builders.desired(release), done, before or {}, NOON)
    assert list(found) == [release.name]
    return found[release.name]


def conditions(status: ReleaseStatus) -> dict[ConditionType, Condition]:
    return {item.type: item for item in status.conditions}


GOOD, MOVING = view("pc-01", State.CONVERGED), view("pc-02", State.RUNNING)
BAD = view("pc-02", State.FAILED)
