"""Runs of our own jobs that somebody else has started: their host is left alone meanwhile."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from reconciler.model.desired import Desired
from reconciler.model.identity import HostName, JobId
from reconciler.model.observed import Observed
from reconciler.model.report import RunStarted
from reconciler.plan.terms import Terms


class RunByHand(NamedTuple):
    """A run that is under way, and until when its result is waited for."""

    run: RunStarted
    until: datetime


def runs_by_hand(
    desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> Mapping[HostName, RunByHand]:
    """Return the hosts that such a run is under way on; one whose time is over holds nobody."""
    if not observed.runs:
        return {}
    timeouts: dict[JobId, timedelta] = {job.id: job.timeout for job in desired.jobs.values()}
    timeouts |= {release.job.id: release.job.timeout for release in desired.releases}
    found: dict[HostName, RunByHand] = {}
    for (job, host), run in observed.runs.items():
        limit = timeouts.get(job)
        until = run.at + limit + terms.clock_skew + terms.grace if limit is not None else run.at
        if now < until and (host not in found or found[host].until < until):
            found[host] = RunByHand(run, until)
    return found
