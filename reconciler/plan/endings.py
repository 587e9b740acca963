"""When an attempt is over: by its result, or by its time.

*Dispatched* ends at the command's deadline, *running* at the start plus the job's own timeout:
never at the send plus a timeout, because commands queue behind the agent's limit and jitter.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.attempt import Attempt
from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.plan.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The settled fact that an attempt leaves behind."""

    id: str
    at: datetime
    failure: Failure | None
    lapsed: bool = False
    """Time has run out and no result has come: nothing is known."""


def lapses_at(attempt: Attempt, terms: Terms) -> datetime:
    """Return when waiting for *attempt* is over, if no result comes."""
    if attempt.started_at is not None:
        return attempt.started_at + attempt.timeout + terms.clock_skew + terms.grace
    return attempt.deadline_at + terms.clock_skew


def unread_lapses_at(written_at: datetime, timeout: timedelta, terms: Terms) -> datetime:
    """Return when an install is over at the latest of which nothing but that time is known."""
    return written_at + terms.dispatch_deadline + timeout + terms.clock_skew + terms.grace


def ending(attempt: Attempt, now: datetime, terms: Terms) -> Ending | None:
    """Return how *attempt* ended, or `None` while it is in flight."""
    outcome = attempt.outcome
    if outcome is not None:
        return Ending(id=outcome.result_id, at=outcome.at, failure=outcome.failure)
    limit = lapses_at(attempt, terms)
    if now < limit:
        return None
    return Ending(id=f"lapsed/{attempt.wish_id}", at=limit, failure=_lapse(attempt), lapsed=True)


def _lapse(attempt: Attempt) -> Failure:
    if attempt.started_at is None:
        return Failure(
            kind=FailureClass.DEADLINE_EXPIRED,
            cause=f"the host did not start the command before {attempt.deadline_at:%H:%M:%S} UTC",
            fix="see whether the agent runs: kanade agent ping, and its log on the host",
            next=Next.PROBE,
            install_intact=True,
        )
    return Failure(
        kind=FailureClass.OUTCOME_UNKNOWN,
        cause="the run began and its result never came",
        fix="the controller probes the host before anything else",
        next=Next.PROBE,
        install_intact=False,
    )
