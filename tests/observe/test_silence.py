"""Who is pinged: whoever is unknown, and whoever was last heard before a run that ended unclear."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.attempt import Attempt
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName
from reconciler.model.observed import HostState, Presence
from reconciler.observe.silence import hosts_to_ping
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON

RELEASE = builders.release()
DESIRED = builders.desired(RELEASE)
PC = HostName("pc-01")
LONG_AGO = builders.attempt(RELEASE, ago=timedelta(hours=1))
MINUTE = timedelta(minutes=1)


def ended(kind: FailureClass | None) -> Attempt:
    """Return an attempt whose result came a minute ago."""
    return replace(LONG_AGO, outcome=builders.outcome(kind, ago=MINUTE))


def asked(attempt: Attempt, *, heard: timedelta, presence: Presence = Presence.ONLINE) -> bool:
    """Tell whether the host, heard so long ago, is pinged."""
    hosts = {PC: HostState(presence=presence, last_seen=NOON - heard)}
    wish = attempt.wish
    attempts = {(wish.release, wish.host, wish.purpose): attempt}
    found = hosts_to_ping(DESIRED, hosts, attempts, NOON, Terms())
    assert found <= {PC}
    return PC in found


@pytest.mark.parametrize(
    ("attempt", "pinged"),
    [
        (replace(LONG_AGO, deadline_at=NOON - MINUTE), True),
        (ended(FailureClass.TIMEOUT), True),
        (ended(FailureClass.OUTCOME_UNKNOWN), True),
        (ended(FailureClass.SCRIPT_FAILED), False),
        (ended(None), False),
        (replace(LONG_AGO, deadline_at=NOON + MINUTE), False),
    ],
    ids=["lapsed", "timed out", "121", "failed", "went well", "in flight"],
)
def test_a_run_that_ended_unclear_asks_for_a_sign_of_life(
    attempt: Attempt, *, pinged: bool
) -> None:
    assert asked(attempt, heard=2 * MINUTE) is pinged
    assert not asked(attempt, heard=timedelta(seconds=1))
    assert not asked(attempt, heard=2 * MINUTE, presence=Presence.OFFLINE)


def test_a_target_that_was_never_heard_is_pinged_and_a_stranger_is_not() -> None:
    hosts = {HostName("stranger"): HostState(presence=Presence.UNKNOWN)}

    assert hosts_to_ping(DESIRED, hosts, {}, NOON, Terms()) == {PC}
