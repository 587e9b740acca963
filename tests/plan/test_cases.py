"""Every rule of the planner, as files that say what must come out."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.plan import Plan
from reconciler.plan.planner import plan
from tests.plan.case_file import desired_of, observed_of, read_case
from tests.plan.case_time import span
from tests.plan.store_case import stocked
from tests.support.builders import NOON

_CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def _steps(found: Plan) -> list[str]:
    return [step.action.key.rsplit("/", 1)[0] for step in found.steps]


@pytest.mark.parametrize("path", _CASES, ids=lambda path: path.stem)
def test_the_plan_of_a_case_is_what_its_file_says(path: Path) -> None:
    case = read_case(path)

    stock = stocked(case.get("stores", {}), desired_of(case), observed_of(case))
    terms = replace(stock.terms, offer_revert=case.get("offer_revert", False))
    now = case.get("now", NOON)
    found = plan(stock.desired, stock.observed, now, terms)

    assert case.get("steps", []) == _steps(found), case["why"]
    assert sorted(case.get("deferred", [])) == sorted(item.reason for item in found.deferred), case[
        "why"
    ]
    asked = sorted(item.reason for item in found.deferred if item.needs_person)
    assert case.get("needs_person", asked) == asked, case["why"]
    blocked = {str(name): item.reason for name, item in found.blocked.items()}
    assert case.get("blocked", blocked) == blocked, case["why"]
    if "look_again" in case:
        never = case["look_again"] == "never"
        assert found.wake_at == (None if never else now + span(case["look_again"])), case["why"]
    lacking = list(map(str, found.unapproved))
    assert case.get("unapproved", lacking) == lacking, case["why"]
    assert case.get("claims", []) == sorted(found.claims), case["why"]
    states = {str(view.host): str(view.state) for views in found.hosts.values() for view in views}
    assert case.get("states", states) == states, case["why"]
    drifted = [str(view.host) for views in found.hosts.values() for view in views if view.drifted]
    assert case.get("drifted", drifted) == drifted, case["why"]
