"""A command knows those before it: what is told of them late is not taken for a stranger's."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.action import ExecJob
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import HostName, RequestId
from reconciler.model.proof import Proof
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON

BEFORE, NOW = builders.release("1.0.0"), builders.release("2.0.0")
PC = HostName("pc-01")
SEEN = builders.evidence("1.0.0", sha=BEFORE.artifact.digest)


def sent_after(before: Attempt) -> Attempt:
    """Return the install that follows *before* on a host that runs 1.0.0."""
    observed = replace(
        builders.supplied(NOW),
        hosts=builders.online(PC),
        proofs={(NOW.package, PC): Proof(package=NOW.package, host=PC, by_probe=SEEN)},
        attempts={(NOW.name, PC, Purpose.INSTALL): before},
    )
    [found] = [
        step.action.attempt
        for step in plan(builders.desired(NOW), observed, NOON, Terms()).steps
        if isinstance(step.action, ExecJob)
    ]
    return found


def test_the_last_five_that_have_ended_are_known() -> None:
    older = tuple(RequestId(f"older-{number}") for number in range(5))
    ended = replace(builders.attempt(BEFORE, outcome=builders.outcome()), earlier=older)

    assert sent_after(ended).earlier == (ended.request_id, *older[:4])


def test_one_that_nobody_knows_the_end_of_may_still_begin() -> None:
    lapsed = replace(builders.attempt(BEFORE, ago=timedelta(days=1)), earlier=(RequestId("older"),))

    assert sent_after(lapsed).earlier == (RequestId("older"),)
