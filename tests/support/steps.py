"""Steps that are nothing but a name and what they wait for."""

from reconciler.model.action import UpsertJob
from reconciler.model.identity import Version
from reconciler.model.plan import Plan, Step
from tests.support.builders import REVISION, job


def step(name: str, *after: Step) -> Step:
    """Return a step called *name* that comes after all of *after*."""
    action = UpsertJob(job=job(name), manifest={"id": name}, version=Version("1"))
    return Step(
        action=action,
        release=None,
        reason="JobMissing",
        message="it is not in the catalogue",
        after=tuple(item.action.key for item in after),
    )


def name_of(item: Step) -> str:
    """Return what `step` was given."""
    assert isinstance(item.action, UpsertJob)
    return item.action.job_id


def plan_of(*steps: Step) -> Plan:
    """Return a plan of *steps*."""
    return Plan(revision=REVISION, steps=steps)
