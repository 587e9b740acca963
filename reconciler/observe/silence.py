"""Which hosts are asked for a sign of life before anything is planned for them; pure."""

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.attempt import Attempt
from reconciler.model.desired import Desired
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName
from reconciler.model.observed import UNSEEN, HostState, Observed, Presence
from reconciler.observe.intake import AttemptKey
from reconciler.plan.endings import ending
from reconciler.plan.targets import targets_of
from reconciler.plan.terms import Terms

_NOBODY_KNOWS = (FailureClass.TIMEOUT, FailureClass.OUTCOME_UNKNOWN)


def hosts_to_ping(
    desired: Desired,
    hosts: Mapping[HostName, HostState],
    attempts: Mapping[AttemptKey, Attempt],
    now: datetime,
    terms: Terms,
) -> frozenset[HostName]:
    """Return the targets that nobody has heard of: after a start that is all of them.

    And those of which nothing was heard since a run of ours timed out, or was never reported: they
    are probed next, and what seemed to be a host may be gone by now.
    """
    bare = Observed(hosts=hosts)
    wanted = {host for release in desired.releases for host in targets_of(release, desired, bare)}
    unknown = {host for host in wanted if _state(host, hosts).presence is Presence.UNKNOWN}
    silent = {
        host
        for (_, host, _), attempt in attempts.items()
        if host in wanted and _is_silent_since(attempt, _state(host, hosts), now, terms)
    }
    return frozenset(unknown | silent)


def _state(host: HostName, hosts: Mapping[HostName, HostState]) -> HostState:
    return hosts.get(host, UNSEEN)


def _is_silent_since(attempt: Attempt, state: HostState, now: datetime, terms: Terms) -> bool:
    ended = ending(attempt, now, terms)
    if state.presence is not Presence.ONLINE or ended is None or ended.failure is None:
        return False
    unclear = ended.lapsed or ended.failure.kind in _NOBODY_KNOWS
    return unclear and (state.last_seen is None or state.last_seen <= ended.at)
