"""What holds of every plan, whatever the fleet is like."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given

from reconciler.model.action import ActionKey, ExecJob, ProbeHost
from reconciler.model.attempt import Purpose
from reconciler.model.desired import Desired
from reconciler.model.observed import Approval, Freeze, HostState, Observed, Presence, Requests
from reconciler.model.plan import Plan, State
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support.builders import NOON
from tests.support.strategies import worlds
from tests.support.world import Truth, succeed

World = tuple[Desired, Observed, Truth]


def _plan(desired: Desired, observed: Observed, now: datetime = NOON) -> Plan:
    return plan(desired, observed, now, Terms())


def _approved(desired: Desired, observed: Observed) -> Observed:
    approvals = tuple(
        Approval(release=item.name, fingerprint=item.fingerprint, approver="mika", at=NOON)
        for item in desired.releases
    )
    return replace(observed, requests=Requests(approvals=approvals))


def _all_online(observed: Observed, now: datetime) -> Observed:
    there = HostState(presence=Presence.ONLINE, last_seen=now)
    return replace(observed, hosts=dict.fromkeys(observed.hosts, there))


@given(worlds())
def test_the_same_reading_gives_the_same_plan(world: World) -> None:
    desired, observed, _ = world

    assert _plan(desired, observed) == _plan(desired, observed)


@given(worlds())
def test_every_step_comes_after_those_that_it_waits_for(world: World) -> None:
    desired, observed, _ = world
    seen: set[ActionKey] = set()

    for step in _plan(desired, observed).steps:
        assert set(step.after) <= seen
        seen.add(step.action.key)


@given(worlds())
def test_no_host_gets_two_commands_and_none_that_is_not_targeted_or_not_there(world: World) -> None:
    desired, observed, _ = world
    targets = {host for item in desired.releases for host in item.targets.hosts}

    sent = [
        step.action.attempt.wish.host
        for step in _plan(desired, observed).steps
        if isinstance(step.action, ExecJob | ProbeHost)
    ]

    assert set(sent) <= targets
    assert all(count == 1 for count in Counter(sent).values())
    assert all(observed.hosts[host].presence is Presence.ONLINE for host in sent)


@given(worlds())
def test_nothing_happens_in_a_freeze(world: World) -> None:
    desired, observed, _ = world

    assert _plan(desired, replace(observed, freeze=Freeze(frozen=True))).steps == ()


@given(worlds())
def test_an_install_needs_contrary_evidence_or_a_person(world: World) -> None:
    """A host of which nothing is known is never restarted on a guess."""
    desired, observed, _ = world

    for step in _plan(desired, observed).steps:
        if isinstance(step.action, ExecJob):
            wish = step.action.attempt.wish
            proof = observed.proofs.get((step.action.attempt.package, wish.host))
            earlier = observed.attempts.get((wish.release, wish.host, Purpose.INSTALL))
            assert (proof is not None and proof.latest is not None) or earlier is not None


@given(worlds())
def test_never_more_installs_at_a_time_than_the_release_allows(world: World) -> None:
    desired, observed, _ = world
    release = desired.releases[0]
    observed = _approved(desired, observed)

    found = _plan(desired, observed)

    started = sum(isinstance(step.action, ExecJob) for step in found.steps)
    under_way = sum(
        view.state in (State.DISPATCHED, State.RUNNING) for view in found.hosts[release.name]
    )
    assert started == 0 or started + under_way <= release.rollout.max_in_flight


@given(worlds())
def test_nothing_that_changes_a_host_passes_a_shut_gate(world: World) -> None:
    desired, observed, _ = world
    gated = desired.releases[0].job.require_approval

    steps = _plan(desired, observed).steps

    assert not (gated and any(isinstance(step.action, ExecJob) for step in steps))


@given(worlds())
def test_once_all_is_there_and_answers_every_host_converges_or_is_held(world: World) -> None:
    """Liveness: passes with obedient hosts end with nothing to do, and with the truth told."""
    desired, observed, truth = world
    release = desired.releases[0]
    observed = _approved(desired, observed)
    now = NOON
    for _ in range(60):
        observed = _all_online(observed, now)
        found = _plan(desired, observed, now)
        waits = found.wake_at is not None and found.wake_at - now < timedelta(hours=2)
        if not found.steps and not waits:
            break
        for step in found.steps:
            now += timedelta(seconds=1)
            observed, truth = succeed(observed, truth, step.action, desired, now)
        if not found.steps and found.wake_at is not None:
            now = max(now, found.wake_at)
    else:
        raise AssertionError("it goes on for ever")

    for view in found.hosts[release.name]:
        if view.state is State.CONVERGED and release.verify.probe is not None:
            assert truth[view.host] == (release.version, release.artifact.digest)
        else:
            assert view.state in (
                State.CONVERGED,
                State.FAILED,
                State.TIMED_OUT,
                State.PENDING,
                State.UNKNOWN,
            )
