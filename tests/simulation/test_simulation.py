"""Whatever dies, hangs or comes back in any order: a few hundred of the ways, each repeatable."""

from collections.abc import Callable
from traceback import format_exception

import pytest

from tests.simulation import stage as simulated
from tests.simulation.stage import stage
from tests.simulation.trace import Violation

SEEDS, FORGOTTEN, ROLLOUTS, AT_ONCE = 150, 20, 30, 10

Record = Callable[[str, object], None]


def survives(first: int, scene: str, record: Record) -> None:
    """Play some seeds; the first that fails says how to see it again."""
    record("seeds", AT_ONCE)
    for seed in range(first, first + AT_ONCE):
        play = stage(seed, scene)
        try:
            simulated.perform(play)
        except Exception as error:  # noqa: BLE001 (whatever it is, people must be able to see it again)
            pytest.fail(f"{play.trace.text()}\n{told(error, seed, scene)}", pytrace=False)


def told(error: Exception, seed: int, scene: str) -> str:
    """Return what is said of a seed that has failed."""
    what = str(error) if isinstance(error, Violation) else "".join(format_exception(error))
    return f"{what}\nagain with: make simulate SEED={seed} SCENE={scene}"


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_the_fleet_ends_where_the_last_commit_says(first: int, record_property: Record) -> None:
    survives(first, "storm", record_property)


@pytest.mark.parametrize("first", range(0, FORGOTTEN, AT_ONCE))
def test_controllers_that_have_forgotten_everything_restart_nothing(
    first: int, record_property: Record
) -> None:
    survives(first, "forgotten", record_property)


@pytest.mark.parametrize("first", range(0, ROLLOUTS, AT_ONCE))
def test_a_bad_version_stops_and_goes_back(first: int, record_property: Record) -> None:
    survives(first, "rollouts", record_property)


@pytest.mark.parametrize("error", [Violation("twice"), ExceptionGroup("all", [KeyError("x")])])
def test_whatever_goes_wrong_the_command_that_repeats_it_is_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(simulated, "perform", fail)
    with pytest.raises(pytest.fail.Exception, match="make simulate SEED=7 SCENE=storm") as failed:
        survives(7, "storm", record_property)
    assert str(error) in str(failed.value)


def test_a_seed_is_always_the_same_play() -> None:
    plays = [stage(3), stage(3), stage(4)]
    for play in plays:
        simulated.perform(play)

    digests = [play.trace.digest for play in plays]
    assert digests[0] == digests[1] != digests[2]
    assert len(plays[0].trace.lines) > 100
