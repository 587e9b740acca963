from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.kanade import presence
from reconciler.kanade.codec import Heartbeat
from reconciler.kanade.presence import Roll
from reconciler.model.identity import GroupName, HostName
from reconciler.model.observed import Presence
from tests.support.clock import FakeClock

PC = HostName("pc-1")
BEAT = Heartbeat(pc_id="pc-1", agent_version="0.101.0", os_family="linux")
A_WHILE = timedelta(seconds=59)
LONG = timedelta(seconds=61)


def listening() -> tuple[Roll, FakeClock]:
    clock = FakeClock()
    roll = Roll(clock)
    roll.listen(connected=True)
    return roll, clock


def test_a_host_that_was_just_heard_is_online_with_what_it_said() -> None:
    roll, clock = listening()
    roll.hear(BEAT)
    clock.advance(A_WHILE)
    state = roll.states({})[PC]

    assert state.presence is Presence.ONLINE
    assert (state.agent_version, state.os_family) == ("0.101.0", "linux")
    assert state.last_seen == clock.now() - A_WHILE


def test_silence_tells_nothing_before_one_has_listened_long_enough() -> None:
    roll, clock = listening()
    clock.advance(A_WHILE)
    assert roll.presence(PC) is Presence.UNKNOWN

    clock.advance(LONG - A_WHILE)
    assert roll.presence(PC) is Presence.OFFLINE


def test_a_host_that_falls_silent_is_offline() -> None:
    roll, clock = listening()
    clock.advance(A_WHILE)
    roll.hear(BEAT)
    clock.advance(LONG)

    assert roll.presence(PC) is Presence.OFFLINE


def test_a_lost_connection_makes_silence_tell_nothing_again() -> None:
    roll, clock = listening()
    roll.hear(BEAT)
    clock.advance(LONG)
    roll.listen(connected=False)
    assert roll.presence(PC) is Presence.UNKNOWN

    clock.advance(LONG)
    roll.listen(connected=True)
    clock.advance(A_WHILE)
    assert roll.presence(PC) is Presence.UNKNOWN


def test_a_ping_that_finds_nobody_is_proof_until_the_host_is_heard() -> None:
    roll, clock = listening()
    roll.hear(BEAT)
    roll.hear_nobody(PC)
    assert roll.presence(PC) is Presence.OFFLINE
    assert roll.states({})[PC].agent_version == "0.101.0"

    clock.advance(timedelta(seconds=1))
    roll.hear(BEAT)
    assert roll.presence(PC) is Presence.ONLINE


def test_only_a_host_that_was_not_there_is_news() -> None:
    roll, clock = listening()
    assert roll.hear(BEAT)
    assert not roll.hear(BEAT)

    clock.advance(LONG)
    assert roll.hear(BEAT)


def test_names_that_somebody_makes_up_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "_MAX_HOSTS", 10)
    roll, _ = listening()
    for number in range(30):
        roll.hear(Heartbeat(pc_id=f"pc-{number}", agent_version="1"))
    roll.hear(Heartbeat(pc_id="pc-1", agent_version="2"))

    assert len(roll.states({})) == 10
    assert roll.states({})[PC].agent_version == "2"


def test_a_host_without_news_keeps_its_very_state() -> None:
    roll, clock = listening()
    roll.hear(BEAT)
    canary = {PC: frozenset({GroupName("canary")})}
    first = roll.states(canary)[PC]
    assert roll.states(dict(canary))[PC] is first

    assert roll.states({})[PC].groups == frozenset()
    clock.advance(LONG)
    assert roll.states({})[PC].presence is Presence.OFFLINE
    assert roll.states({HostName("pc-2"): frozenset()}).keys() == {PC, HostName("pc-2")}


def test_a_host_wants_signed_commands_until_a_heartbeat_says_otherwise() -> None:
    roll, _ = listening()
    wanted = []

    for enforcing, pinged in ((True, False), (None, True), (False, False)):
        roll.hear(replace(BEAT, enforcing=enforcing), pinged=pinged)
        wanted.append(roll.states({})[PC].signed_only)

    assert wanted == [True, True, False]
