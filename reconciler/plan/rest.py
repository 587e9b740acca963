"""Releases that are on the move: nothing that was published for them is deleted meanwhile."""

from collections.abc import Iterable
from datetime import datetime

from reconciler.model.action import ExecJob, ProbeHost, ResendCommand
from reconciler.model.attempt import Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Observed, Presence
from reconciler.model.plan import Step
from reconciler.plan.endings import ending, unread_lapses_at
from reconciler.plan.targets import targets_of
from reconciler.plan.terms import Terms


def moving(
    desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> frozenset[ReleaseName]:
    """Return the releases with a command in flight, or suspended, or with a host to probe."""
    in_flight = {
        attempt.wish.release
        for attempt in observed.attempts.values()
        if ending(attempt, now, terms) is None
    }
    unread = {
        release.name
        for release in desired.releases
        for (name, _), at in observed.unread_installs.items()
        if name == release.name and now < unread_lapses_at(at, release.job.timeout, terms)
    }
    stopped = {name for name, item in observed.requests.suspensions.items() if item.holds(now)}
    others = {
        release.name
        for release in desired.releases
        if release.suspend or _has_unknown_host(release, desired, observed)
    }
    return frozenset(in_flight | unread | stopped | others)


def commanded(planned: Iterable[Step]) -> frozenset[ReleaseName]:
    """Return the releases of which a command is about to be sent."""
    return frozenset(
        step.release
        for step in planned
        if step.release is not None and isinstance(step.action, ExecJob | ProbeHost | ResendCommand)
    )


def _has_unknown_host(release: Release, desired: Desired, observed: Observed) -> bool:
    """True when a host that is online has shown nothing yet: it may run anything of ours."""
    return any(
        (release.package, host) not in observed.proofs
        and (release.name, host, Purpose.INSTALL) not in observed.attempts
        and host in observed.hosts
        and observed.hosts[host].presence is Presence.ONLINE
        for host in targets_of(release, desired, observed)
    )
