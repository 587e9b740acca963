"""Who speaks under a pc id: what the heartbeats of one agent, or of two, give away."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.kanade.codec import Heartbeat
from reconciler.kanade.voices import Voices
from tests.support.builders import NOON


def beat(hostname: str | None = None, read: int = 0, written: int = 0) -> Heartbeat:
    return Heartbeat(
        pc_id="pc-01",
        agent_version="0.101.0",
        os_family="linux",
        hostname=hostname,
        agent_arch="x86_64",
        agent_disk_read_bytes=read,
        agent_disk_written_bytes=written,
    )


def heard(*beats: Heartbeat, every: float = 30.0) -> Voices:
    """Hear *beats* one after the other."""
    voices = Voices()
    for number, one in enumerate(beats):
        voices.hear(one, number * every, NOON + timedelta(seconds=number * every))
    return voices


def test_one_agent_is_one_agent() -> None:
    voices = heard(*(beat("PC-01", number * 10) for number in range(20)))

    assert (voices.names, voices.changed_at, voices.hostname) == ((), None, "PC-01")


def test_an_agent_that_restarts_is_the_same_host() -> None:
    voices = heard(beat("PC-01", 900), beat("PC-01", 5), beat("PC-01", 10), beat("PC-01", 950))

    assert (voices.names, voices.changed_at) == ((), None)


def test_two_systems_that_take_turns_are_two_hosts_with_one_id() -> None:
    voices = heard(*(beat(name) for name in ["PC-01", "CLONE"] * 5))

    assert voices.names == ("CLONE", "PC-01")


def test_two_clones_with_one_name_are_told_apart_by_their_counters() -> None:
    """On Linux an agent often does not know its system's name at all."""
    pairs = [(beat(None, 500 + n, 40), beat(None, 70 + n, 900 + n)) for n in range(5)]

    voices = heard(*(one for pair in pairs for one in pair))

    assert voices.names == ("a nameless system",)


def test_a_clone_that_was_switched_off_is_forgotten() -> None:
    voices = heard(*(beat(name) for name in ["PC-01", "CLONE"] * 5))
    assert voices.names

    for number in range(10):
        voices.hear(beat("PC-01"), 300.0 + number * 30, NOON)

    assert voices.names == ()


def test_another_system_under_the_name_is_noticed_with_its_time() -> None:
    """It was reimaged, or its id was given to another machine."""
    voices = heard(beat("OLD", 900), beat("OLD", 950), beat("NEW", 5), beat("NEW", 10))

    assert voices.changed_at == NOON + timedelta(seconds=60)
    assert (voices.names, voices.hostname) == ((), "NEW")


@given(st.lists(st.integers(0, 3), max_size=60))
def test_one_agent_that_now_and_then_restarts_is_never_two(grown: list[int]) -> None:
    """A zero is a restart; they are at least five heartbeats apart."""
    voices, read, since = Voices(), 0, 0
    for number, step in enumerate(grown):
        restarts = step == 0 and since >= 4
        read, since = (0, 0) if restarts else (read + step, since + 1)
        voices.hear(beat("PC-01", read), number * 30.0, NOON)

        assert voices.names == ()
