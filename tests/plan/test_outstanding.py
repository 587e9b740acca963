"""What counts as something to do: steps, and what waits to change a host or kanade."""

import pytest

from reconciler.model.identity import HostName
from reconciler.model.plan import Assessment, Deferred, Plan, State
from reconciler.plan.outstanding import is_outstanding
from tests.support import builders
from tests.support.builders import REVISION

TOOL = builders.release(hosts=("pc-01", "pc-02"))


def plan_of(reason: str, *states: State) -> Plan:
    views = tuple(
        Assessment(host=HostName(f"pc-0{number}"), state=state, reason="", message="")
        for number, state in enumerate(states)
    )
    deferred = Deferred(release=TOOL.name, reason=reason, message="")
    return Plan(revision=REVISION, deferred=(deferred,), hosts={TOOL.name: views})


@pytest.mark.parametrize(
    ("reason", "states", "expected"),
    [
        ("Soaking", [State.CONVERGED, State.CONVERGED], False),
        ("Soaking", [State.CONVERGED, State.PENDING], True),
        ("VersionImmutable", [State.CONVERGED, State.CONVERGED], True),
        ("NoHosts", [], True),
    ],
)
def test_a_soak_alone_is_nothing_to_do(reason: str, states: list[State], *, expected: bool) -> None:
    assert is_outstanding(plan_of(reason, *states)) is expected


def test_nothing_is_nothing() -> None:
    assert not is_outstanding(Plan(revision=REVISION))
