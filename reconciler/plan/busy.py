"""Which hosts have a command of ours in flight: each gets one at a time."""

from collections.abc import Iterable
from datetime import datetime

from reconciler.model.action import ExecJob, ProbeHost
from reconciler.model.attempt import Attempt
from reconciler.model.identity import HostName
from reconciler.model.observed import Observed
from reconciler.model.plan import Step
from reconciler.plan.endings import ending
from reconciler.plan.terms import Terms


def busy_hosts(observed: Observed, now: datetime, terms: Terms) -> dict[HostName, Attempt]:
    """Return the hosts that have a command of ours in flight, of any release."""
    return {
        attempt.wish.host: attempt
        for attempt in observed.attempts.values()
        if ending(attempt, now, terms) is None
    }


def newly_busy(steps: Iterable[Step]) -> dict[HostName, Attempt]:
    """Return the hosts that *steps* send a command to."""
    return {
        action.attempt.wish.host: action.attempt
        for action in (step.action for step in steps)
        if isinstance(action, ExecJob | ProbeHost)
    }
