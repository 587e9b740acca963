"""When there is nothing left to wait for."""

import pytest

from reconciler.model.status import ReleaseStatus
from reconciler.status.settled import Standing, standing
from tests.status.situations import BAD, GOOD, MOVING, applied, held, told


@pytest.mark.parametrize(
    ("status", "settled", "reasons"),
    [
        (told(applied(GOOD)), True, []),
        (told(applied(GOOD, MOVING)), False, []),
        (told(applied(GOOD, BAD)), True, ["ServiceDidNotStart"]),
        (told(applied(GOOD, MOVING, blocked=held("Frozen"))), False, []),
        (told(applied(MOVING, blocked=held("Suspended"))), True, ["Suspended"]),
        (told(applied(MOVING, blocked=held("ApprovalRequired", person=True))), True, ["Approval"]),
    ],
)
def test_a_release(status: ReleaseStatus, settled: bool, reasons: list[str]) -> None:  # noqa: FBT001 (a table's column)
    found = standing([status])

    assert found.settled is settled
    assert [reason in why for reason, why in zip(reasons, found.held, strict=True)] == [
        True for _ in reasons
    ]


def test_several_are_settled_when_the_last_is() -> None:
    good, moving = told(applied(GOOD)), told(applied(GOOD, MOVING))

    assert standing([good, moving]) == Standing(proved=2, hosts=3, held=(), settled=False)
    assert standing([good, good]).converged
    assert not standing([good, told(applied(BAD))]).converged
