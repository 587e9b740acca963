"""What holds of every way back, whatever the fleet has been through."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.action import ExecJob
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, OnFailure, Release
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.observed import HostState, Observed, Presence
from reconciler.model.plan import State
from reconciler.model.proof import Proof
from reconciler.plan.endings import ending
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.plan.case_memory import at_version, with_memory
from tests.support import builders
from tests.support.builders import NOON
from tests.support.world import Truth, succeed

HOSTS = ("pc-01", "pc-02", "pc-03", "pc-04")
BAD = "3.0.0"
OLDER = ("1.0.0", "2.0.0")


class Fallen(NamedTuple):
    """A fleet whose newest version is quarantined, each host somewhere on the way."""

    desired: Desired
    observed: Observed
    truth: Truth

    @property
    def release(self) -> Release:
        return self.desired.releases[0]


@st.composite
def fallen(draw: st.DrawFn) -> Fallen:
    item = builders.release(
        BAD,
        hosts=HOSTS,
        probe=draw(st.booleans()),
        max_in_flight=draw(st.integers(1, 4)),
        install=builders.job("install-tool", require_approval=draw(st.booleans())),
    )
    item = replace(
        item,
        rollout=replace(
            item.rollout,
            on_failure=OnFailure.ROLLBACK,
            rollback_max_in_flight=draw(st.none() | st.integers(1, 4)),
        ),
    )
    kept = draw(st.lists(st.sampled_from(OLDER), unique=True).map(sorted))
    observed = with_memory(builders.supplied(item), item, kept, [BAD])
    proofs, attempts, truth = {}, {}, {}
    for name in map(HostName, HOSTS):
        runs = at_version(item, draw(st.sampled_from((BAD, *OLDER))))
        truth[name] = (runs.version, runs.artifact.digest)
        probed = builders.evidence(
            runs.version, ago=draw(_ago()), sha=runs.artifact.digest if item.verify.probe else None
        )
        by_probe = probed if item.verify.probe is not None else None
        proofs[item.package, name] = Proof(
            package=item.package,
            host=name,
            by_probe=by_probe,
            by_result=None if by_probe is not None else probed,
        )
        for attempt in draw(st.lists(_attempts(item, name), max_size=1)):
            attempts[item.name, name, Purpose.INSTALL] = attempt
    hosts = {
        HostName(name): HostState(presence=draw(st.sampled_from(Presence)), last_seen=NOON)
        for name in HOSTS
    }
    observed = replace(observed, hosts=hosts, proofs=proofs, attempts=attempts)
    return Fallen(builders.desired(item), observed, truth)


def _ago() -> st.SearchStrategy[timedelta]:
    return st.integers(1, 5_000).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def _attempts(draw: st.DrawFn, item: Release, host: HostName) -> Attempt:
    sent = at_version(item, draw(st.sampled_from((BAD, *OLDER))))
    back = draw(st.sampled_from((None, *OLDER)))
    kind = draw(st.none() | st.sampled_from((FailureClass.SERVICE_DID_NOT_START,)))
    outcome = builders.outcome(kind, ago=draw(_ago())) if draw(st.booleans()) else None
    built = builders.attempt(sent, host, outcome=outcome, ago=timedelta(minutes=1))
    return replace(
        built, returns_to=at_version(item, back).fingerprint if back is not None else None
    )


def sent(fallen: Fallen) -> Iterator[Attempt]:
    for step in plan(fallen.desired, fallen.observed, NOON, Terms()).steps:
        if isinstance(step.action, ExecJob):
            yield step.action.attempt


def ended(attempt: Attempt) -> bool:
    return ending(attempt, NOON, Terms()) is not None


@given(fallen())
def test_a_quarantined_fingerprint_is_sent_to_nobody(fleet: Fallen) -> None:
    assert all(attempt.wish.fingerprint != fleet.release.fingerprint for attempt in sent(fleet))


@given(fallen())
def test_hosts_go_back_to_what_was_proved_and_one_version_at_a_time(fleet: Fallen) -> None:
    attempts = list(sent(fleet))

    kept = {fingerprint for _, fingerprint in fleet.observed.records}
    assert {attempt.wish.fingerprint for attempt in attempts} <= kept
    rollout = fleet.release.rollout
    under_way = [attempt for attempt in fleet.observed.attempts.values() if not ended(attempt)]
    if attempts:
        assert len({attempt.version for attempt in (*attempts, *under_way)}) == 1
        limit = rollout.rollback_max_in_flight or rollout.max_in_flight
        assert len(attempts) + len(under_way) <= limit


@given(fallen())
def test_a_rollback_ends_and_whoever_has_a_record_runs_a_proved_version(fleet: Fallen) -> None:
    there = HostState(presence=Presence.ONLINE, last_seen=NOON)
    observed, truth, now = fleet.observed, fleet.truth, NOON
    for _ in range(80):
        online = {host: replace(there, last_seen=now) for host in observed.hosts}
        observed = replace(observed, hosts=online)
        found = plan(fleet.desired, observed, now, Terms())
        waits = found.wake_at is not None and found.wake_at - now < timedelta(hours=2)
        if not found.steps and not waits:
            break
        for step in found.steps:
            now += timedelta(seconds=1)
            observed, truth = succeed(observed, truth, step.action, fleet.desired, now)
        if not found.steps and found.wake_at is not None:
            now = max(now, found.wake_at)
    else:
        raise AssertionError("it goes on for ever")

    name: ReleaseName = fleet.release.name
    good = {record.digest for record in observed.records.values()}
    for view in found.hosts[name]:
        runs = truth[view.host]
        assert runs is not None
        if view.wanted != BAD:  # there is something that it goes back to
            ended_badly = view.state in (State.FAILED, State.TIMED_OUT)
            assert ended_badly or (view.state is State.CONVERGED and runs[1] in good)
