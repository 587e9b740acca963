"""The labels of states, conditions and events on the page, and how good or bad they look."""

from collections.abc import Mapping

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.plan import State

LABELS: Mapping[str, str] = {
    State.CONVERGED: "proved",
    State.VERIFYING: "verifying",
    State.RUNNING: "running",
    State.DISPATCHED: "sent",
    State.PENDING: "waiting",
    State.FAILED: "failed",
    State.TIMED_OUT: "timed out",
    State.OFFLINE: "offline",
    State.UNKNOWN: "unknown",
}
_BAD_WHEN_TRUE = (ConditionType.STALLED, ConditionType.DRIFT_DETECTED)
_NEUTRAL = (ConditionType.RECONCILING, ConditionType.SUSPENDED)


def of_condition(condition: Condition) -> str:
    """Return `good`, `bad`, `busy` or `calm`."""
    if condition.type in _NEUTRAL:
        return "busy" if condition.status is Truth.TRUE else "calm"
    if condition.status is Truth.UNKNOWN:
        return "busy"
    if condition.type in _BAD_WHEN_TRUE:
        return "bad" if condition.status is Truth.TRUE else "calm"
    if condition.status is Truth.TRUE:
        return "good"
    return "busy" if condition.type in _WAITS else "bad"


_WAITS = (ConditionType.READY, ConditionType.APPROVED)
"""While these are false it is merely not there yet."""


def of_event(kind: str, severity: str) -> str:
    """Return how an event of that kind looks."""
    if severity == "error":
        return "bad"
    return "good" if kind.endswith(("Converged", "Approved")) else "calm"
