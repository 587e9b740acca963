"""What is told while git's word is not in force: both versions, the reason, and what is held."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.desired import Release
from reconciler.model.identity import HostName, Version
from reconciler.model.outcome import Applied
from reconciler.model.plan import Plan, State
from reconciler.model.proof import Proof
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from reconciler.status.summarize import summarize_hosts, summarize_releases
from tests.plan.case_memory import at_version, with_memory
from tests.support import builders
from tests.support.builders import NOON

ITEM = builders.release(hosts=["pc-01", "pc-02"])
OLD = at_version(ITEM, "1.0.0")


def proof(host: str, item: Release) -> Proof:
    found = builders.evidence(item.version, sha=item.artifact.digest)
    return Proof(package=item.package, host=HostName(host), by_probe=found)


def quarantined() -> Plan:
    """Return the plan for one host on the bad version, and one that never left the good one."""
    desired = builders.desired(ITEM)
    observed = with_memory(builders.supplied(ITEM), ITEM, ["1.0.0"], ["2.0.0"])
    proofs = {
        (ITEM.package, HostName("pc-01")): proof("pc-01", ITEM),
        (ITEM.package, HostName("pc-02")): proof("pc-02", OLD),
    }
    install = replace(
        builders.attempt(ITEM, "pc-01", outcome=builders.outcome()), returns_to=OLD.fingerprint
    )
    key = (ITEM.name, install.wish.host, install.wish.purpose)
    observed = replace(
        observed,
        hosts=builders.online("pc-01", "pc-02"),
        proofs=proofs,
        attempts={key: install},
    )
    return plan(desired, observed, NOON, Terms())


def test_both_versions_and_the_reason_are_told() -> None:
    found = summarize_releases(builders.desired(ITEM), Applied(plan=quarantined()), {}, NOON)[
        ITEM.name
    ]

    assert (found.version, found.in_force) == ("2.0.0", ("1.0.0",))
    conditions = {item.type: item for item in found.conditions}
    ready = conditions[ConditionType.READY]
    assert (ready.status, ready.reason) == (Truth.FALSE, "Quarantined")
    assert "goes back to 1.0.0" in ready.message
    assert conditions[ConditionType.STALLED].status is Truth.TRUE
    assert found.held[0].reason == "Quarantined"
    assert found.held[0].needs_person


def test_a_host_is_measured_by_what_is_in_force_for_it() -> None:
    found = summarize_hosts(builders.desired(ITEM), quarantined(), NOON)

    went, stayed = (found[ITEM.name, HostName(name)] for name in ("pc-01", "pc-02"))
    assert (went.state, went.wanted, went.running) == (State.PENDING, "1.0.0", "2.0.0")
    assert (stayed.state, stayed.wanted) == (State.CONVERGED, Version("1.0.0"))


def test_a_moment_that_moves_with_the_clock_is_not_told() -> None:
    """Else a status would be written at every look, though nothing is new."""
    release = replace(ITEM, rollout=replace(ITEM.rollout, max_in_flight=1))
    observed = replace(
        builders.supplied(release),
        hosts=builders.online("pc-01"),
        proofs={(ITEM.package, HostName(name)): proof(name, OLD) for name in ("pc-01", "pc-02")},
    )
    desired = builders.desired(release)

    def told(after: timedelta) -> object:
        now = NOON + after
        return summarize_hosts(desired, plan(desired, observed, now, Terms()), now)

    first = told(timedelta(0))
    assert first == told(timedelta(seconds=1))
