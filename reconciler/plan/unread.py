"""Installs of which nothing can be read: they may run, so nothing is sent beside them."""

from datetime import datetime

from msgspec.structs import replace

from reconciler.model.plan import State
from reconciler.plan.case import Case
from reconciler.plan.endings import unread_lapses_at
from reconciler.plan.wants import Verdict, assess, with_probe


def is_understood(case: Case, unread_at: datetime) -> bool:
    """True once an install that nobody can read is over and the host was seen, or let go, since."""
    if case.now < unread_lapses_at(unread_at, case.release.job.timeout, case.terms):
        return False
    seen = case.latest is not None and case.latest.last_at > unread_at
    return seen or (case.retry is not None and case.retry.at > unread_at)


def not_understood(case: Case, unread_at: datetime) -> Verdict:
    """Wait for the end of an install that nobody can read, and then look what it has done."""
    over = unread_lapses_at(unread_at, case.release.job.timeout, case.terms)
    message = "the journal's entry of the last install there cannot be read"
    if case.now < over:
        message += f": it may run until {over:%H:%M:%S} UTC"
        view = assess(case, State.DISPATCHED, "JournalUnreadable", message)
        return Verdict(assessment=view, recheck_at=over)
    view = assess(case, State.UNKNOWN, "JournalUnreadable", f"{message}: what it did is not known")
    if case.release.verify.probe is not None:
        return with_probe(case, view, reason="JournalUnreadable")
    message = f"{view.message}; see for yourself, then: reconciler retry {case.release.name}"
    return Verdict(assessment=replace(view, message=message))
