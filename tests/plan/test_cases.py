"""Every rule of the planner, as files that say what must come out."""

from pathlib import Path

import pytest

from reconciler.model.plan import Plan
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.plan.case_file import desired_of, observed_of, read_case
from tests.support.builders import NOON

_CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def _steps(found: Plan) -> list[str]:
    return [step.action.key.rsplit("/", 1)[0] for step in found.steps]


@pytest.mark.parametrize("path", _CASES, ids=lambda path: path.stem)
def test_the_plan_of_a_case_is_what_its_file_says(path: Path) -> None:
    case = read_case(path)

    found = plan(desired_of(case), observed_of(case), NOON, Terms())

    assert case.get("steps", []) == _steps(found), case["why"]
    assert sorted(case.get("deferred", [])) == sorted(item.reason for item in found.deferred), case[
        "why"
    ]
    states = {str(view.host): str(view.state) for views in found.hosts.values() for view in views}
    assert case.get("states", states) == states, case["why"]
    drifted = [str(view.host) for views in found.hosts.values() for view in views if view.drifted]
    assert case.get("drifted", drifted) == drifted, case["why"]
