"""A wave that stands still: nothing has moved in it for longer than the release allows.

Only what happened for the fingerprint that is wanted counts, so the clock starts with the first
of it, and for a later wave when the one before it was done. A host that is held for a reason of
its own (a window, presence, a busy slot) is reported as such, and does not make its wave late.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.model.attempt import Purpose
from reconciler.model.desired import Release
from reconciler.model.observed import UNSEEN
from reconciler.model.plan import ENDED_BADLY, Assessment, Deferred, State
from reconciler.plan.dispatch import Sending
from reconciler.plan.terms import Terms
from reconciler.plan.wants import Verdict
from reconciler.plan.waves import has_soaked, is_away, is_touched

_BY_ITSELF = (State.PENDING, State.DISPATCHED, State.RUNNING)
"""Without a want: its next try, or the end of its run, is only a matter of time."""


def late_at(
    sending: Sending, verdicts: Iterable[Verdict], deferred: Iterable[Deferred]
) -> datetime | None:
    """Return when the wave at hand has stood still for too long; in the past if it has.

    `None` when it may take any time, has not begun, or is on the move. *deferred* is why hosts
    were sent nothing in this pass.
    """
    release, going, hosts = sending.release, sending.permit, sending.observed.hosts
    limit, shut = release.rollout.progress_deadline, going.shut
    if limit is None or shut is None or shut.needs_person:
        return None
    verdicts = tuple(verdicts)
    moved = [at for verdict in verdicts for at in _moved(release, verdict.assessment)]
    at_hand = frozenset([state for state in going.waves if state.is_open][-1].hosts)
    members = [verdict for verdict in verdicts if verdict.assessment.host in at_hand]
    away = {
        verdict.assessment.host
        for verdict in members
        if is_away(release, verdict.assessment, hosts)
    }
    spared = away.union(item.host for item in deferred if item.host is not None)
    stuck = any(
        verdict.assessment.host not in spared and _is_stuck(release, verdict, sending.terms)
        for verdict in members
    )
    if not moved or not (stuck or shut.reason in _FOR_THE_ABSENT):
        return None
    left = [hosts.get(host, UNSEEN).last_seen for host in away]
    return max([*moved, *(at for at in left if at is not None)]) + limit


_FOR_THE_ABSENT = ("WaveOffline", "WaveNotProved")


def late(release: Release, shut: Deferred, at: datetime) -> Deferred:
    """Return *shut*, whose time was up *at* that moment, as something for a person to decide."""
    limit = release.rollout.progress_deadline
    since = at - limit if limit is not None else at
    return Deferred(
        release=release.name,
        reason="ProgressDeadlineExceeded",
        message=f"{shut.message}, and nothing has moved since {since:%Y-%m-%d %H:%M:%S} UTC",
        needs_person=True,
    )


def _moved(release: Release, view: Assessment) -> Iterator[datetime]:
    """Yield when something happened to a host for the wanted fingerprint; a soak moves, too."""
    install = view.install
    if install is None or not is_touched(release, view):
        return
    yield install.intended_at
    if install.started_at is not None:
        yield install.started_at
    if install.outcome is not None:
        yield install.outcome.at
    if view.healthy_since is not None:
        yield view.healthy_since + release.rollout.soak


def _is_stuck(release: Release, verdict: Verdict, terms: Terms) -> bool:
    """True for a host that only waits: for a run, for the next try, or for a probe made in vain.

    One that needs an install goes now or waits for room, so it is not itself what is stuck.
    """
    view, want = verdict.assessment, verdict.want
    if view.state in ENDED_BADLY:
        return False
    if view.state is State.CONVERGED and has_soaked(release, view):
        return False
    if want is None and (view.state in _BY_ITSELF or release.verify.probe is None):
        return True
    if want is not None and want.wish.purpose is Purpose.INSTALL:
        return False
    probes = want.number if want is not None else view.probe.number if view.probe is not None else 0
    return probes > terms.tries
