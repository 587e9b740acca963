"""Jobs of our repository that are still in kanade's catalogue and not in the repository."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.model.action import DeleteJob
from reconciler.model.desired import Desired
from reconciler.model.identity import JobId, Version
from reconciler.model.observed import LiveJob, Observed
from reconciler.model.plan import Deferred
from reconciler.plan.terms import Terms
from reconciler.plan.upsert import NO_RELEASE, job_in_use


def unwanted_jobs(
    ours: frozenset[JobId], desired: Desired, observed: Observed
) -> tuple[LiveJob, ...]:
    """Return which of *ours* nobody wants; what a person has revoked is his, and stays."""
    names = {release.name for release in desired.releases}
    wanted = {*desired.jobs, *(release.job.id for release in desired.releases)}
    wanted |= {record.job.id for record in observed.records.values() if record.release in names}
    return tuple(
        observed.jobs[job] for job in sorted(ours - wanted) if not observed.jobs[job].revoked
    )


def delete_jobs(
    unwanted: Sequence[LiveJob], observed: Observed, now: datetime, terms: Terms
) -> tuple[list[DeleteJob], list[Deferred]]:
    """Return which can go now; one that is in flight waits, one with a schedule is reported."""
    going: list[DeleteJob] = []
    held: list[Deferred] = []
    for live in unwanted:
        if live.schedule is not None:
            held.append(_scheduled(live, live.schedule))
        elif job_in_use(live.id, observed, now, terms) is None:
            version = Version(str(live.manifest.get("version", "")))
            going.append(DeleteJob(job_id=live.id, version=version))
    return going, held


def _scheduled(live: LiveJob, schedule: str) -> Deferred:
    return Deferred(
        release=NO_RELEASE,
        reason="JobScheduled",
        message=f"job {live.id} is not in the repository any more, and kanade's schedule "
        f"{schedule} still names it: delete the schedule, or put the job back",
        needs_person=True,
    )
