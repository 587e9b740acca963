"""How much may be deleted without a person's word, in small numbers and in large ones."""

from dataclasses import replace

import pytest

from reconciler.model.action import Delete, DeleteJob, DeletePackage, DeleteScript
from reconciler.model.identity import JobId, ObjectRef, ReleaseName, Version
from reconciler.model.observed import LiveJob, Observed
from reconciler.plan.brakes import brake
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.plan.store_case import StoresCase, stocked
from tests.support import builders
from tests.support.builders import NOON

TOOL = ReleaseName("tool")


def versions(count: int) -> list[Delete]:
    """Return the deletions of so many versions, each a package and two scripts."""
    found: list[Delete] = []
    for number in range(count):
        package, script = ObjectRef("tool", f"{number}"), ObjectRef("deploy-tool", f"{number}")
        anew = ObjectRef("deploy-tool", f"{number}.r0123abcd")
        found.append(DeletePackage(owner=TOOL, ref=package, sequence=1))
        found += [DeleteScript(owner=TOOL, ref=ref, sequence=1) for ref in (script, anew)]
    return found


def is_held(deletes: list[Delete], total: int, limit: int = 20, jobs: int = 0) -> bool:
    unwanted = [
        LiveJob(id=JobId(f"job-{number}"), manifest={"version": "1"}, pin=None, revoked=False)
        for number in range(jobs)
    ]
    terms = Terms(prune_limit=limit)
    held = brake(deletes, unwanted, total=total, observed=Observed(), terms=terms)
    return held is not None


@pytest.mark.parametrize(
    ("count", "total", "limit", "held"),
    [
        (0, 0, 20, False),
        (1, 2, 20, False),
        (1, 1, 20, True),
        (1, 1, 100, True),
        (2, 9, 20, True),
        (2, 10, 20, False),
        (20, 100, 20, False),
        (21, 100, 20, True),
        (9, 10, 100, False),
        (10, 10, 100, True),
        (1, 100, 0, True),
        (1, 100, 1, False),
    ],
)
def test_a_version_counts_once_and_all_of_it_is_always_too_much(
    count: int, total: int, limit: int, *, held: bool
) -> None:
    assert is_held(versions(count), total, limit) is held


def test_jobs_count_beside_versions_even_if_they_cannot_go_yet() -> None:
    going = DeleteJob(job_id=JobId("job-0"), version=Version("1"))

    assert not is_held([*versions(1), going], total=10, jobs=1)
    assert is_held([*versions(1), going], total=10, jobs=2)
    assert is_held([], total=10, jobs=3)


def test_a_desired_state_that_asks_for_nothing_deletes_nothing() -> None:
    release = builders.release()
    case = StoresCase(older=["1.0.0", "1.1.0", "1.2.0", "1.3.0"], jobs={"old": {}}, limit=100)
    stock = stocked(case, builders.desired(release), builders.supplied(release))
    asked = plan(stock.desired, stock.observed, NOON, stock.terms)
    nothing = replace(stock.desired, releases=(), jobs={})

    assert len(asked.steps) == 3
    assert plan(nothing, stock.observed, NOON, stock.terms).steps == ()
