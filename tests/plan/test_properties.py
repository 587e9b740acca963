"""What holds of every plan, whatever the fleet is like."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.cron import parse_cron
from reconciler.model.action import ActionKey, ExecJob, ProbeHost
from reconciler.model.attempt import Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.failure import FailureClass
from reconciler.model.observed import (
    Freeze,
    HostState,
    Observed,
    Presence,
    Requests,
    Suspension,
)
from reconciler.model.plan import Assessment, Plan, State
from reconciler.model.policy import ApprovalPolicy, Cron, Window, WindowKind
from reconciler.model.proof import Proof
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON
from tests.support.strategies import worlds
from tests.support.world import Truth, succeed

World = tuple[Desired, Observed, Truth]


def _plan(desired: Desired, observed: Observed, now: datetime = NOON) -> Plan:
    return plan(desired, observed, now, Terms())


def _approved(desired: Desired, observed: Observed) -> Observed:
    words = tuple(builders.approval(item) for item in desired.releases)
    return replace(observed, requests=Requests(approvals=words))


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
        view.state in (State.DISPATCHED, State.RUNNING)
        or (view.state is State.VERIFYING and not _is_away(observed, view))
        for view in found.hosts[release.name]
    )
    assert started == 0 or started + under_way <= release.rollout.max_in_flight


@given(world=worlds(), whose=st.sampled_from(["release", "host"]), overridden=st.booleans())
def test_nothing_that_changes_a_host_passes_a_shut_window_without_an_override(
    world: World, whose: str, *, overridden: bool
) -> None:
    desired, observed, _ = world
    cron = parse_cron("0 12 * * *")
    assert isinstance(cron, Cron)
    shut = Window(kind=WindowKind.DENY, cron=cron, duration=timedelta(hours=1), zone="UTC")
    release = desired.releases[0]
    words = [builders.approval(release)]
    if overridden:
        words.append(builders.override(release, timedelta(hours=1)))
    if whose == "release":
        there = replace(desired, releases=(replace(release, windows=(shut,)),))
    else:
        hosts = {name: replace(host, windows=(shut,)) for name, host in desired.hosts.items()}
        there = replace(desired, hosts=hosts)

    observed = replace(observed, requests=Requests(approvals=tuple(words)))
    found, free = _plan(there, observed), _plan(desired, observed)

    installs = [step for step in found.steps if isinstance(step.action, ExecJob)]
    wanted = [step for step in free.steps if isinstance(step.action, ExecJob)]
    assert installs == (wanted if overridden else [])
    probes = [step.action.key for step in free.steps if isinstance(step.action, ProbeHost)]
    assert probes == [step.action.key for step in found.steps if isinstance(step.action, ProbeHost)]


@given(worlds())
def test_no_untouched_host_goes_before_its_wave(world: World) -> None:
    """Of each earlier wave some host is proved and has soaked, and no host is on its way."""
    desired, observed, _ = world
    release = desired.releases[0]
    observed = _approved(desired, observed)

    found = _plan(desired, observed)

    views = {view.host: view for view in found.hosts[release.name]}
    waves = [wave.hosts for wave in found.waves.get(release.name, ())]
    if waves:
        assert Counter(host for hosts in waves for host in hosts) == Counter(list(views))
    for step in found.steps:
        if isinstance(step.action, ExecJob):
            host = step.action.attempt.wish.host
            own = next(place for place, hosts in enumerate(waves) if host in hosts)
            for hosts in [] if _touched(release, views[host]) else waves[:own]:
                assert _opens_the_next(release, observed, [views[name] for name in hosts])


def _opens_the_next(release: Release, observed: Observed, members: list[Assessment]) -> bool:
    there = [view for view in members if not _is_away(observed, view)]
    ended = (State.CONVERGED, State.FAILED, State.TIMED_OUT)
    proved = [view for view in members if view.state is State.CONVERGED and view.healthy_since]
    soaked = [
        view
        for view in proved
        if view.healthy_since is not None
        and view.proved_at is not None
        and view.healthy_since + release.rollout.soak <= NOON
        and (
            release.verify.probe is None
            or not _touched(release, view)
            or view.proved_at >= view.healthy_since + release.rollout.soak
        )
    ]
    all_soaked = all(view in soaked for view in proved if view in there)
    return not members or (
        all(view.state in ended for view in there) and all_soaked and soaked != []
    )


def _touched(release: Release, view: Assessment) -> bool:
    return view.install is not None and view.install.wish.fingerprint == release.fingerprint


def _is_away(observed: Observed, view: Assessment) -> bool:
    return observed.hosts[view.host].presence is Presence.OFFLINE


def _suspended(world: World) -> tuple[Desired, Observed]:
    desired, observed, _ = world
    release = desired.releases[0]
    word = Suspension(release=release.name, by="mika", reason="noise", since=NOON)
    requests = replace(observed.requests, suspensions={release.name: word})
    return desired, replace(observed, requests=requests)


def _unapproved(world: World) -> tuple[Desired, Observed]:
    desired, observed, _ = world
    asks = replace(desired.releases[0], approval=ApprovalPolicy(required=1))
    return replace(desired, releases=(asks,)), replace(observed, requests=Requests(), attempts={})


def _depending(world: World) -> tuple[Desired, Observed]:
    desired, observed, _ = world
    base = builders.release("1.0.0", name="base", hosts=("pc-09",))
    release = replace(desired.releases[0], depends_on=frozenset({base.name}))
    return builders.desired(base, release), observed


def _going_down(world: World) -> tuple[Desired, Observed]:
    return _with_one_host(world, "9.9.9", failed=False)


def _failing(world: World) -> tuple[Desired, Observed]:
    return _with_one_host(world, "1.0.0", failed=True)


def _with_one_host(world: World, runs: str, *, failed: bool) -> tuple[Desired, Observed]:
    """Let the first host be seen to run something else, after an install has failed or not."""
    desired, observed, _ = world
    release = desired.releases[0]
    strict = replace(release, rollout=replace(release.rollout, max_failures=0))
    host = min(release.targets.hosts)
    seen = builders.evidence(runs, ago=timedelta(seconds=1), sha=builders.digest_of(runs))
    proof = Proof(package=release.package, host=host, by_probe=seen)
    attempts = {key: it for key, it in observed.attempts.items() if key[1] != host}
    if failed:
        ended = builders.outcome(FailureClass.SERVICE_DID_NOT_START)
        key = (release.name, host, Purpose.INSTALL)
        attempts[key] = builders.attempt(release, host, outcome=ended)
    proofs = {**observed.proofs, (release.package, host): proof}
    there = replace(observed, proofs=proofs, attempts=attempts)
    return replace(desired, releases=(strict,)), there


_SHUT = {
    "approval": _unapproved,
    "dependency": _depending,
    "downgrade": _going_down,
    "failures": _failing,
    "suspension": _suspended,
}


@pytest.mark.parametrize("gate", _SHUT)
@given(world=worlds())
def test_nothing_that_changes_a_host_passes_a_shut_gate(gate: str, world: World) -> None:
    desired, observed = _SHUT[gate](world)
    if gate != "approval":
        observed = replace(
            observed,
            requests=replace(
                observed.requests, approvals=_approved(desired, observed).requests.approvals
            ),
        )

    found = _plan(desired, observed)

    sent = [step.action for step in found.steps if isinstance(step.action, ExecJob)]
    assert [one for one in sent if one.attempt.wish.release == "tool"] == []


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
            runs = truth[view.host]  # its bytes decide, whatever they call themselves
            assert runs is not None
            assert runs[1] == release.artifact.digest
        else:
            assert view.state in (
                State.CONVERGED,
                State.FAILED,
                State.TIMED_OUT,
                State.PENDING,
                State.UNKNOWN,
            )
