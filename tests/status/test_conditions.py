"""The conditions of a release, situation by situation; nothing is green before it is proved."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.action import OfferRevert
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.desired import Release
from reconciler.model.identity import Revision
from reconciler.model.outcome import Applied
from reconciler.model.plan import State
from reconciler.model.policy import ApprovalPolicy
from reconciler.status.summarize import summarize_releases
from tests.status.situations import (
    BAD,
    GOOD,
    ITEM,
    LATER,
    MOVING,
    applied,
    conditions,
    failed_step,
    held,
    told,
    view,
)
from tests.support import builders
from tests.support.builders import NOON


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What became of a pass, and what Ready, Reconciling and Stalled say of it."""

    done: Applied
    ready: tuple[Truth, str]
    reconciling: Truth
    stalled: tuple[Truth, str] = (Truth.FALSE, "Progressing")


SITUATIONS = {
    "all proved": Situation(
        done=applied(GOOD, view("pc-02", State.CONVERGED)),
        ready=(Truth.TRUE, "Converged"),
        reconciling=Truth.FALSE,
    ),
    "no host": Situation(done=applied(), ready=(Truth.FALSE, "NoHosts"), reconciling=Truth.TRUE),
    "under way": Situation(
        done=applied(GOOD, MOVING), ready=(Truth.FALSE, "Progressing"), reconciling=Truth.TRUE
    ),
    "unknown": Situation(
        done=applied(GOOD, view("pc-02", State.UNKNOWN)),
        ready=(Truth.UNKNOWN, "NoEvidence"),
        reconciling=Truth.TRUE,
    ),
    "offline": Situation(
        done=applied(GOOD, view("pc-02", State.OFFLINE)),
        ready=(Truth.FALSE, "Progressing"),
        reconciling=Truth.TRUE,
    ),
    "failed": Situation(
        done=applied(GOOD, BAD),
        ready=(Truth.FALSE, "ServiceDidNotStart"),
        reconciling=Truth.FALSE,
        stalled=(Truth.TRUE, "ServiceDidNotStart"),
    ),
    "timed out": Situation(
        done=applied(GOOD, view("pc-02", State.TIMED_OUT)),
        ready=(Truth.FALSE, "ServiceDidNotStart"),
        reconciling=Truth.FALSE,
        stalled=(Truth.TRUE, "ServiceDidNotStart"),
    ),
    "held for a while": Situation(
        done=applied(GOOD, MOVING, blocked=held("JobInUse")),
        ready=(Truth.FALSE, "JobInUse"),
        reconciling=Truth.TRUE,
    ),
    "held for a person": Situation(
        done=applied(GOOD, MOVING, blocked=held("ApprovalRequired", person=True)),
        ready=(Truth.FALSE, "ApprovalRequired"),
        reconciling=Truth.FALSE,
        stalled=(Truth.TRUE, "ApprovalRequired"),
    ),
    "a step that may pass": Situation(
        done=applied(GOOD, MOVING, failed=(failed_step(transient=True),)),
        ready=(Truth.FALSE, "KanadeUnavailable"),
        reconciling=Truth.TRUE,
    ),
    "a step that does not pass": Situation(
        done=applied(GOOD, MOVING, failed=(failed_step(transient=False),)),
        ready=(Truth.FALSE, "NoRoom"),
        reconciling=Truth.FALSE,
        stalled=(Truth.TRUE, "NoRoom"),
    ),
    "a failed step although all are proved": Situation(
        done=applied(GOOD, failed=(failed_step(transient=True),)),
        ready=(Truth.FALSE, "KanadeUnavailable"),
        reconciling=Truth.TRUE,
    ),
}


def test_a_revert_that_cannot_be_pushed_now_says_nothing_of_the_release() -> None:
    offer = OfferRevert(
        release=ITEM,
        quarantine=builders.quarantine(ITEM),
        back_to=builders.record(builders.release("1.0.0")),
        is_stored=True,
    )
    outcome = failed_step(transient=True)
    unpushed = replace(outcome, step=replace(outcome.step, action=offer))

    found = conditions(told(applied(GOOD, failed=(unpushed,))))

    assert found[ConditionType.READY].reason == "Converged"


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=list(SITUATIONS))
def test_the_conditions_of_a_situation(situation: Situation) -> None:
    found = conditions(told(situation.done))

    ready, stalled = found[ConditionType.READY], found[ConditionType.STALLED]
    assert (ready.status, ready.reason) == situation.ready
    assert found[ConditionType.RECONCILING].status is situation.reconciling
    assert (stalled.status, stalled.reason) == situation.stalled
    assert ConditionType.APPROVED not in found
    assert ConditionType.SUSPENDED not in found


def test_what_a_person_reads_says_how_many_which_and_what_to_do() -> None:
    found = conditions(told(applied(GOOD, BAD)))

    cause = "the new service did not come up"
    assert found[ConditionType.READY].message == f"1 of 2 hosts failed; pc-02: {cause}"
    stalled = found[ConditionType.STALLED].message
    assert stalled == f"pc-02: {cause}; publish a version that starts"
    progress = conditions(told(applied(GOOD, MOVING)))[ConditionType.READY].message
    assert progress == "1 of 2 hosts run tool 2.0.0, proved"


@given(states=st.lists(st.sampled_from(State), min_size=1, max_size=6), blocked=st.booleans())
def test_nothing_is_green_before_every_host_is_proved(
    states: list[State], *, blocked: bool
) -> None:
    views = tuple(view(f"pc-{number}", state) for number, state in enumerate(states))
    status = told(applied(*views, blocked=held("Soaking") if blocked else None))

    ready = conditions(status)[ConditionType.READY]
    proved = set(states) == {State.CONVERGED} and not blocked
    assert (ready.status is Truth.TRUE) is proved
    assert sum(status.counts.values()) == len(states)


@given(st.sampled_from(list(SITUATIONS.values())))
def test_a_release_never_says_that_it_goes_on_and_that_it_is_stuck(situation: Situation) -> None:
    found = conditions(told(situation.done))

    busy, stuck = found[ConditionType.RECONCILING], found[ConditionType.STALLED]
    assert Truth.FALSE in (busy.status, stuck.status)


def test_drift_is_told_until_the_host_is_right_again() -> None:
    drifted = view("pc-02", State.RUNNING, drifted=True, message="runs 1.0.0")

    found = conditions(told(applied(GOOD, drifted)))[ConditionType.DRIFT_DETECTED]
    healed = conditions(told(applied(GOOD)))[ConditionType.DRIFT_DETECTED]

    assert (found.status, found.reason) == (Truth.TRUE, "DriftDetected")
    assert found.message == "1 hosts; pc-02: runs 1.0.0"
    assert (healed.status, healed.reason) == (Truth.FALSE, "NoDrift")


@pytest.mark.parametrize(
    "release",
    [
        replace(ITEM, job=builders.job("install-tool", require_approval=True)),
        replace(ITEM, approval=ApprovalPolicy(required=2)),
    ],
    ids=["by its job", "by itself"],
)
def test_a_gated_release_says_whether_it_lacks_a_word_whatever_holds_it(release: Release) -> None:
    lacking = held("ApprovalRequired", person=True)
    suspended = held("Suspended", person=True)
    waiting = told(applied(MOVING, blocked=suspended, unapproved=lacking), release)
    going = told(applied(MOVING, blocked=suspended), release)

    found = conditions(waiting)[ConditionType.APPROVED]
    assert (found.status, found.reason, found.message) == (
        Truth.FALSE,
        "ApprovalRequired",
        lacking.message,
    )
    assert conditions(going)[ConditionType.APPROVED].status is Truth.TRUE
    assert waiting.waits_for == going.waits_for == suspended.message


def test_a_suspended_release_says_so_and_by_whom() -> None:
    status = told(applied(GOOD, blocked=held("Suspended", person=True)))

    found = conditions(status)[ConditionType.SUSPENDED]
    assert (found.status, found.message) == (Truth.TRUE, "it waits: Suspended")
    assert conditions(status)[ConditionType.READY].reason == "Suspended"


def test_the_time_of_a_condition_moves_with_what_it_says_and_not_with_the_revision() -> None:
    first = told(applied(GOOD, MOVING))
    desired = replace(builders.desired(ITEM), revision=Revision("b" * 40))

    again = summarize_releases(desired, applied(GOOD, MOVING), {ITEM.name: first}, LATER)
    done = applied(GOOD, view("pc-02", State.CONVERGED))
    after = summarize_releases(desired, done, {ITEM.name: first}, LATER)

    ready = ConditionType.READY
    assert conditions(again[ITEM.name])[ready].since == NOON
    assert conditions(again[ITEM.name])[ready].revision == "b" * 40
    assert conditions(after[ITEM.name])[ready].since == LATER
    assert conditions(after[ITEM.name])[ConditionType.DRIFT_DETECTED].since == NOON
