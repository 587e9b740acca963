"""What a plan says of the time to come: waves in turn, what holds them, and how long it takes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.desired.cron import parse_cron
from reconciler.model.attempt import Purpose
from reconciler.model.desired import Release, Wave
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.observed import (
    BackendState,
    Freeze,
    HostState,
    Observed,
    Presence,
    Requests,
    Suspension,
)
from reconciler.model.policy import ApprovalPolicy, Cron, Window, WindowKind
from reconciler.model.proof import Proof
from reconciler.plan.forecast import Forecast, forecast
from reconciler.plan.forecast_text import spell
from reconciler.plan.planner import plan
from reconciler.plan.terms import Mode, Terms
from tests.plan.case_memory import at_version, with_memory
from tests.support import builders
from tests.support.builders import NOON

HOSTS = ("pc-01", "pc-02", "pc-03", "pc-04", "pc-05")
SOAK = timedelta(minutes=5)


def staged(approval: ApprovalPolicy | None = None) -> Release:
    """Return a release for five hosts: one first, then two at a time."""
    item = builders.release(hosts=HOSTS, max_in_flight=2)
    waves = (Wave(name="canary", count=1), Wave(name="rest", percent=100))
    rollout = replace(item.rollout, waves=waves, soak=SOAK)
    return replace(item, rollout=rollout, approval=approval)


def fleet(item: Release, *, took: timedelta | None = None, away: str = "") -> Observed:
    """Return hosts that run the version before, installed in so long a time each."""
    old = at_version(item, "1.0.0")
    found = builders.evidence("1.0.0", sha=old.artifact.digest)
    proofs = {
        (item.package, HostName(name)): Proof(
            package=item.package, host=HostName(name), by_probe=found
        )
        for name in HOSTS
    }
    hosts = builders.online(*HOSTS)
    if away:
        hosts[HostName(away)] = HostState(presence=Presence.OFFLINE, last_seen=NOON)
    attempts = {}
    if took is not None:
        ended = builders.outcome(ago=timedelta(days=1))
        for name in HOSTS:
            sent = replace(builders.attempt(old, name, outcome=ended), sent_at=ended.at - took)
            attempts[item.name, HostName(name), sent.wish.purpose] = sent
    supplied = builders.supplied(item)
    return replace(supplied, hosts=hosts, proofs=proofs, attempts=attempts)


def told(item: Release, observed: Observed) -> Forecast:
    desired = builders.desired(item)
    found = plan(desired, observed, NOON, Terms())
    [only] = forecast(found, desired, observed, NOON)
    return only


def test_waves_come_in_turn_with_their_soaks() -> None:
    found = told(staged(), fleet(staged(), took=timedelta(seconds=30)))

    canary, rest = found.stages
    assert (canary.wave, canary.hosts, canary.begins) == ("canary", 1, timedelta(0))
    assert canary.lasts == timedelta(seconds=30)
    assert rest.begins == timedelta(seconds=30) + SOAK
    assert (rest.hosts, rest.lasts) == (4, timedelta(seconds=60))  # two at a time
    assert found.ends == timedelta(seconds=90) + SOAK
    assert found.sample == 5


def test_without_past_installs_nothing_is_claimed_of_the_time() -> None:
    found = told(staged(), fleet(staged()))

    assert [stage.lasts for stage in found.stages] == [None, None]
    assert [stage.begins for stage in found.stages] == [timedelta(0), None]
    assert found.ends is None
    assert list(spell(found)) == [
        "now: canary, 1 host, then 5 min of soak",
        "after that: rest, 4 hosts, then 5 min of soak",
        "how long it takes is not known: nothing has been installed yet",
    ]


def test_a_gate_that_a_person_opens_comes_first_and_leaves_the_time_open() -> None:
    gated = staged(approval=ApprovalPolicy(required=1))

    found = told(gated, fleet(gated, took=timedelta(seconds=30)))

    assert found.held_by[0].startswith("ApprovalRequired: ")
    assert [stage.begins for stage in found.stages] == [None, None]


HELD = {
    "Suspended": lambda item, seen: (replace(item, suspend=True), seen),
    "Frozen": lambda item, seen: (item, replace(seen, freeze=Freeze(frozen=True))),
    "BackendUnavailable": lambda item, seen: (item, replace(seen, backend=BackendState.DOWN)),
    "DependencyNotReady": lambda item, seen: (
        replace(item, depends_on=frozenset({ReleaseName("base")})),
        seen,
    ),
}


@pytest.mark.parametrize("reason", HELD)
def test_what_holds_everything_hides_neither_waves_nor_who_is_away(reason: str) -> None:
    seen = fleet(staged(), took=timedelta(seconds=30), away="pc-05")
    item, seen = HELD[reason](staged(), seen)
    base = builders.release(name="base", hosts=["pc-09"])
    desired = builders.desired(item, *([base] if item.depends_on else []))

    found = plan(desired, seen, NOON, Terms(mode=Mode.BACKEND))

    [told] = [one for one in forecast(found, desired, seen, NOON) if one.release == item.name]
    assert told.held_by[0].startswith(f"{reason}: ")
    assert [(stage.wave, stage.hosts) for stage in told.stages] == [("canary", 1), ("rest", 4)]
    assert sum(stage.offline for stage in told.stages) == 1


def test_a_suspension_that_ends_says_when_it_begins() -> None:
    ends = Suspension(
        release=staged().name, by="mika", reason="", since=NOON, until=NOON + timedelta(hours=1)
    )
    seen = fleet(staged(), took=timedelta(seconds=30))
    seen = replace(seen, requests=Requests(suspensions={ends.release: ends}))

    assert told(staged(), seen).stages[0].begins == timedelta(hours=1)


def test_hosts_that_go_back_are_told_at_once_at_their_own_pace_and_without_a_soak() -> None:
    """Three of five run what is quarantined; the other two never left the version before."""
    item = staged()
    item = replace(item, rollout=replace(item.rollout, rollback_max_in_flight=3))
    old, seen = at_version(item, "1.0.0"), fleet(item, took=timedelta(seconds=30))
    bad = builders.evidence("2.0.0", sha=item.artifact.digest)
    touched = [HostName(name) for name in HOSTS[:3]]
    attempts = {
        (item.name, host, Purpose.INSTALL): replace(
            builders.attempt(item, host, outcome=builders.outcome()),
            returns_to=old.fingerprint,
            sent_at=NOON - timedelta(minutes=1),
        )
        for host in touched
    }
    proofs = {
        (item.package, host): Proof(package=item.package, host=host, by_probe=bad)
        for host in touched
    }
    seen = replace(
        with_memory(seen, item, ["1.0.0"], ["2.0.0"], []),
        proofs={**seen.proofs, **proofs},
        attempts={**seen.attempts, **attempts},
    )

    found = told(item, seen)

    [back] = found.stages
    assert (back.wave, back.hosts, back.begins) == ("back", 3, timedelta(0))
    assert back.soaks == timedelta(0)
    assert back.lasts == timedelta(seconds=30)
    assert found.held_by == ()


def test_hosts_that_are_away_are_told_and_take_no_time() -> None:
    away = told(staged(), fleet(staged(), took=timedelta(seconds=30), away="pc-05"))

    assert sum(stage.offline for stage in away.stages) == 1
    assert any("(1 away)" in line for line in spell(away))


def test_a_wave_whose_hosts_all_wait_for_their_window_begins_when_it_opens() -> None:
    item = staged()
    cron = parse_cron("0 22 * * *")
    assert isinstance(cron, Cron)
    night = Window(kind=WindowKind.ALLOW, cron=cron, duration=timedelta(hours=2), zone="UTC")
    declared = builders.desired(item)
    shut = {name: replace(host, windows=(night,)) for name, host in declared.hosts.items()}
    desired, observed = replace(declared, hosts=shut), fleet(item, took=timedelta(seconds=30))

    found = plan(desired, observed, NOON, Terms())

    [only] = forecast(found, desired, observed, NOON)
    assert only.stages[0].begins == timedelta(hours=10)


def test_what_has_arrived_has_no_future() -> None:
    item = staged()
    proofs = {
        key: replace(proof, by_probe=builders.evidence("2.0.0", sha=item.artifact.digest))
        for key, proof in fleet(item).proofs.items()
    }
    observed = replace(fleet(item), proofs=proofs)
    desired = builders.desired(item)

    assert forecast(plan(desired, observed, NOON, Terms()), desired, observed, NOON) == []
