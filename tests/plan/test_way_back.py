"""Where a host goes back to is known before it is sent anything."""

from reconciler.model.action import ExecJob
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.plan.case_file import PlanCase, desired_of, observed_of
from tests.plan.case_host import HostCase
from tests.plan.case_memory import at_version
from tests.support.builders import NOON


def test_a_host_on_what_was_never_kept_goes_back_to_what_was_proved_there_before() -> None:
    """2.0.0 was given up before it counted as proved; should 3.0.0 fail, 1.0.0 still is good."""
    host = HostCase(
        runs="2.0.0", install={"version": "2.0.0", "state": "succeeded", "returns_to": "1.0.0"}
    )
    case = PlanCase(
        why="",
        releases={"tool": {"version": "3.0.0"}},
        records=["1.0.0"],
        hosts={"pc-01": host},
    )
    desired = desired_of(case)

    steps = plan(desired, observed_of(case), NOON, Terms()).steps

    (sent,) = (step.action.attempt for step in steps if isinstance(step.action, ExecJob))
    assert at_version(desired.releases[0], "1.0.0").fingerprint == sent.returns_to
