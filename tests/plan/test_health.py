"""What a service says of itself holds a rollout, ends it, or is only told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.desired import HealthCheck, Release
from reconciler.model.identity import HostName
from reconciler.model.observed import Health, Observed
from reconciler.model.plan import Assessment, State
from reconciler.model.proof import Proof
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON

CHECK = HealthCheck(url="http://{host}/health", every=timedelta(seconds=30), failures=3)
PC = HostName("pc-01")


def watched(soak: timedelta = timedelta(minutes=10)) -> Release:
    item = builders.release()
    return replace(
        item,
        verify=replace(item.verify, http=CHECK),
        rollout=replace(item.rollout, soak=soak),
    )


def judged(item: Release, health: Health | None, *, proved: timedelta, ours: bool) -> Assessment:
    """Return the verdict on a host that was proved so long ago, by an install of ours or not."""
    found = builders.evidence(item.version, ago=proved, sha=item.artifact.digest)
    proofs = {(item.package, PC): Proof(package=item.package, host=PC, by_probe=found)}
    install = builders.attempt(item, outcome=builders.outcome(ago=proved + timedelta(seconds=9)))
    attempts = {(item.name, PC, install.wish.purpose): install} if ours else {}
    observed: Observed = replace(
        builders.supplied(item),
        hosts=builders.online(PC),
        proofs=proofs,
        attempts=attempts,
        health={(item.name, PC): health} if health is not None else {},
    )
    [view] = plan(builders.desired(item), observed, NOON, Terms()).hosts[item.name]
    return view


def said(*, ok: bool, ago: timedelta) -> Health:
    return Health(ok=ok, since=NOON - ago, message="" if ok else "it answers 500")


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("health", "proved", "ours", "state"),
    [
        (None, MINUTE, True, State.VERIFYING),
        (None, MINUTE, False, State.CONVERGED),
        (None, 60 * MINUTE, True, State.CONVERGED),
        (said(ok=True, ago=MINUTE), 2 * MINUTE, True, State.CONVERGED),
        (said(ok=False, ago=MINUTE), 2 * MINUTE, True, State.FAILED),
        (said(ok=False, ago=MINUTE), 2 * MINUTE, False, State.CONVERGED),
        (said(ok=False, ago=MINUTE), 60 * MINUTE, True, State.CONVERGED),
    ],
)
def test_a_fresh_install_answers_for_its_service(
    health: Health | None, proved: timedelta, ours: object, state: State
) -> None:
    assert judged(watched(), health, proved=proved, ours=bool(ours)).state is state


def test_a_service_that_fails_fails_the_host_with_what_it_said() -> None:
    view = judged(watched(), said(ok=False, ago=MINUTE), proved=2 * MINUTE, ours=True)

    assert view.reason == "Unhealthy"
    assert view.failure is not None
    assert "it answers 500" in view.failure.cause


def test_later_bad_health_is_told_and_nothing_is_undone_for_it() -> None:
    view = judged(watched(), said(ok=False, ago=MINUTE), proved=60 * MINUTE, ours=True)

    assert (view.state, view.unhealthy) == (State.CONVERGED, "it answers 500")


def test_a_soak_begins_when_the_service_says_that_it_is_well() -> None:
    view = judged(watched(), said(ok=True, ago=MINUTE), proved=3 * MINUTE, ours=True)

    assert view.healthy_since == NOON - MINUTE


def test_without_a_soak_there_are_still_minutes_to_come_up() -> None:
    view = judged(watched(timedelta(0)), said(ok=False, ago=MINUTE), proved=2 * MINUTE, ours=True)

    assert view.state is State.FAILED
