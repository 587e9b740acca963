"""How bad the world of one seed is: a random part of all faults, each as often as drawn."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from reconciler.model.identity import HostName
from reconciler.model.observed import BackendState
from tests.simulation.policy import Policy, draw_policy

MOST_OFF = 4.5
"""So that no host's clock is farther from a controller's than a controller must expect."""


@dataclass(frozen=True, kw_only=True)
class Climate:
    """What a seed draws before anything happens; without the `rate`s nothing ever goes wrong."""

    hosts: int
    versions: int
    policy: Policy
    controllers: int
    backend: BackendState
    has_ledger: bool
    """Agents that forget what they have run are told apart by an idempotent script."""
    run_seconds: float
    probe_seconds: float
    """How long a look takes at most: less than its job's timeout."""
    deadline: timedelta
    resync: timedelta
    stormy_seconds: float
    pace_seconds: float
    """How long it takes on average until the next thing happens to the fleet."""
    events: tuple[str, ...]
    clocks: tuple[float, ...]
    """By how many seconds the clocks of controllers, and then of hosts, are off the server's."""
    prune_limit: int
    """How many percent of what is ours may be deleted without a word."""
    lost_rate: float
    """How many calls are lost before they have an effect."""
    unanswered_rate: float
    """How many have their effect, and their answer is lost."""
    slow_rate: float
    lag_rate: float
    """How many starts are told late, in any order; a third as many never, or keep an outbox."""
    crash_rate: float


def name_of_host(number: int) -> HostName:
    """Return what the host of that *number* is called, from 0."""
    return HostName(f"pc-{number + 1:02}")


def draw(chance: Random, events: tuple[str, ...], *, careful: bool) -> Climate:
    """Return the climate of a seed, with some of *events*; *careful* people roll out in waves."""
    chosen = [name for name in events if chance.random() < 0.5]
    if "lose-state" in chosen and "tamper" in chosen:
        chosen.remove("tamper")  # what has forgotten that it owns a thing leaves it alone
    hosts = chance.randint(3, 6) if careful else chance.randint(2, 4)
    names = tuple(name_of_host(number) for number in range(hosts))
    return Climate(
        hosts=hosts,
        versions=chance.randint(1, 5),
        policy=draw_policy(chance, names)
        if careful
        else Policy(max_in_flight=chance.randint(1, 3)),
        controllers=chance.choice((1, 2)),
        backend=chance.choice((BackendState.NONE, BackendState.UP)),
        has_ledger=chance.random() < 0.75,
        run_seconds=chance.choice((2.0, 20.0, 90.0)),
        probe_seconds=chance.choice((2.0, 25.0)),
        deadline=timedelta(minutes=chance.choice((2, 10))),
        resync=timedelta(minutes=chance.choice((2, 10))),
        stormy_seconds=chance.uniform(150, 600),
        pace_seconds=chance.choice((10.0, 30.0, 90.0)),
        events=tuple(chosen),
        clocks=tuple(chance.uniform(-MOST_OFF, MOST_OFF) for _ in range(8)),
        prune_limit=chance.choice((20, 60, 100)),
        lost_rate=chance.choice((0.0, 0.005, 0.025)),
        unanswered_rate=chance.choice((0.0, 0.005, 0.025)),
        slow_rate=chance.choice((0.0, 0.05, 0.15)),
        lag_rate=chance.choice((0.0, 0.1, 0.3)),
        crash_rate=chance.choice((0.0, 0.001, 0.005)),
    )
