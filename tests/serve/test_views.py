"""What is shown first, and what is asked of whom."""

from dataclasses import replace

import pytest

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.status import ControllerStatus, ReleaseStatus, Status
from reconciler.serve import views
from tests.serve.controls import APPROVAL, CALM, DONE, READY, SOAK, STEADY, condition
from tests.support.statuses import release

STALLED = condition(ConditionType.STALLED, Truth.TRUE, "NoRoom")
DRIFTED = condition(ConditionType.DRIFT_DETECTED, Truth.TRUE, "DriftDetected")


def named(name: str, *conditions: Condition, **more: object) -> ReleaseStatus:
    return release(ReleaseName(name), *conditions, **more)


def test_releases_that_need_a_person_come_first_then_by_name() -> None:
    found = [
        named("a", DONE, CALM, STEADY),
        named("b", DONE, CALM, STEADY),
        named("c", READY, CALM, STEADY, held=(SOAK,)),
        named("d", READY, CALM, STEADY, counts={"failed": 1, "running": 2}),
        named("e", DONE, CALM, DRIFTED),
        named("f", READY, STALLED, STEADY),
        named("g", READY, CALM, STEADY, held=(SOAK, APPROVAL)),
    ]
    status = Status(
        controller=ControllerStatus(revision=None), releases={item.name: item for item in found}
    )

    assert "".join(item.name for item in views.releases(status).items) == "fgdecab"


@pytest.mark.parametrize(
    ("truth", "waits"), [(Truth.FALSE, True), (Truth.TRUE, False), (None, False)]
)
def test_an_approval_is_asked_for_where_one_is_waited_for(
    truth: Truth | None, *, waits: bool
) -> None:
    approved = condition(ConditionType.APPROVED, truth or Truth.TRUE, "NotWaiting")
    item = named("tool", READY, *((approved,) if truth is not None else ()))

    assert views.waits_for_approval(replace(item, held=())) is waits
