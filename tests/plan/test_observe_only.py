"""Who only looks probes, and changes nothing, whatever there would be to do."""

from dataclasses import replace

from hypothesis import given

from reconciler.model.action import KeepRecord, ProbeHost, ResendCommand, UpsertJob
from reconciler.model.attempt import Via
from reconciler.model.desired import Desired
from reconciler.model.observed import BackendState, Observed
from reconciler.model.plan import Plan
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON
from tests.support.strategies import worlds
from tests.support.world import Truth

RELEASE = builders.release(hosts=("pc-01", "pc-02"))
DESIRED = builders.desired(RELEASE)
FLEET = replace(builders.supplied(RELEASE), hosts=builders.online("pc-01", "pc-02"))


def looked(observed: Observed, desired: Desired = DESIRED) -> Plan:
    return plan(desired, observed, NOON, Terms(observe_only=True))


@given(worlds())
def test_nothing_of_a_fleet_is_changed_whatever_it_is_like(
    world: tuple[Desired, Observed, Truth],
) -> None:
    desired, observed, _ = world

    found = looked(observed, desired)

    for step in found.steps:
        resent = isinstance(step.action, ResendCommand)
        assert isinstance(step.action, ProbeHost | KeepRecord | ResendCommand)
        assert not resent or "/version-tool/" in step.action.key
    assert all(step.after == () for step in found.steps)


@given(worlds())
def test_what_would_be_done_is_told_and_the_hosts_are_judged_as_ever(
    world: tuple[Desired, Observed, Truth],
) -> None:
    desired, observed, _ = world
    full = plan(desired, observed, NOON, Terms())

    found = looked(observed, desired)

    left = len(full.steps) - len(found.steps)
    assert any(item.reason == "ObserveOnly" for item in found.deferred) == (left > 0)
    assert found.hosts == full.hosts


def test_a_probe_needs_no_job_in_the_catalogue() -> None:
    """On day 0 nothing of ours is there, and the command says itself what to run."""
    found = looked(replace(FLEET, jobs={}, packages={}, scripts={}))

    assert [step.action.key.split("/")[0] for step in found.steps] == ["probe-host"] * 2
    assert "register" not in found.blocked[RELEASE.name].message
    assert found.blocked[RELEASE.name].reason == "ObserveOnly"


def test_a_probe_whose_job_is_there_in_another_version_is_left_out() -> None:
    """Its agent would skip it by the version pin."""
    job = replace(FLEET.jobs[builders.PROBE_JOB.id], pin=None)
    fleet = replace(FLEET, jobs={**FLEET.jobs, job.id: job})
    assert any(
        isinstance(step.action, UpsertJob) for step in plan(DESIRED, fleet, NOON, Terms()).steps
    )

    assert looked(fleet).steps == ()


def test_who_only_looks_goes_over_nats_whatever_the_backend_is_up_to() -> None:
    for state in BackendState:
        assert looked(replace(FLEET, backend=state)).via is Via.NATS
