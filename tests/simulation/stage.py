"""Builds the play of a seed, and plays it."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import structlog

from reconciler.model.identity import GroupName, HostName, SecretName
from reconciler.plan.terms import Terms
from tests.simulation.brakes import Brakes
from tests.simulation.climate import draw, name_of_host
from tests.simulation.deeds import Deeds
from tests.simulation.happenings import names_of_events
from tests.simulation.hosts import SimulatedHost
from tests.simulation.lives import Seat
from tests.simulation.oracle import Oracle
from tests.simulation.play import Play
from tests.simulation.policy import EARLY
from tests.simulation.programs import Tool
from tests.simulation.scenes import SCENES
from tests.simulation.storm import Storm
from tests.simulation.theatre import Theatre
from tests.simulation.trace import Trace, Violation
from tests.support.fake_agents import FakeAgent
from tests.support.virtual_time import LoopClock, VirtualLoop

_CRITICAL = 50


def be_quiet() -> None:
    """Let nobody log anything: nobody reads what controllers say in a storm."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_CRITICAL))


def stage(seed: int, scene: str = "storm") -> Play:
    """Return the play of *seed*, not yet begun; the same seed is always the same play."""
    chance, careful = Random(seed), scene == "rollouts"
    climate, trace = draw(chance, names_of_events(careful=careful), careful=careful), Trace()
    terms = Terms(dispatch_deadline=climate.deadline, prune_limit=climate.prune_limit)
    weather = Storm(chance=chance, climate=climate)
    theatre = Theatre(
        clock=LoopClock(), weather=weather, chance=chance, storm=weather, backend=climate.backend
    )
    theatre.secrets[SecretName("tool-token")] = "a viewer's token"
    deeds = Deeds(world=theatre, trace=trace)
    brakes = Brakes(
        policy=climate.policy,
        hosts=climate.hosts,
        trace=trace,
        services=theatre.services,
        seconds=lambda at: theatre.now - (theatre.clock.now() - at).total_seconds(),
    )
    oracle = Oracle(world=theatre, trace=trace, deeds=deeds, policy=climate.policy, brakes=brakes)
    play = Play(
        chance=chance,
        climate=climate,
        trace=trace,
        storm=weather,
        theatre=theatre,
        oracle=oracle,
        deeds=deeds,
        scene=SCENES[scene],
    )
    oracle.supplies.needed, oracle.version_of = play.needed, play.people.version_of
    theatre.oracle, theatre.deeds = oracle, deeds
    theatre.spawn, weather.watch = play.spawn, oracle.watch
    theatre.nats.stored.append(oracle.stores)
    theatre.heartbeats.append(lambda beat: oracle.hears_of(HostName(beat.pc_id)))
    theatre.call = lambda name: play.hosts[name].called.set()
    _people(play)
    play.seats += [
        Seat(
            instance=name,
            theatre=theatre,
            climate=climate,
            terms=terms,
            chance=chance,
            clock=LoopClock(off),
        )
        for name, off in list(zip(("one", "two"), climate.clocks, strict=False))[
            : climate.controllers
        ]
    ]
    return play


def _people(play: Play) -> None:
    """Put an agent on every host; some are in a group of kanade's."""
    climate, theatre = play.climate, play.theatre
    theatre.groups |= dict.fromkeys(climate.policy.early, frozenset({GroupName(EARLY)}))
    jobs = Tool(theatre=theatre, idempotent=not climate.has_ledger).programs()
    for number in range(climate.hosts):
        name = name_of_host(number)
        off = timedelta(seconds=climate.clocks[number + 2])
        agent = FakeAgent(
            name=name,
            world=theatre,
            programs=jobs,
            has_ledger=climate.has_ledger,
            clock_off=off,
        )
        play.deeds.clocks[name] = off
        agent.go_online()
        play.hosts[name] = SimulatedHost(
            agent=agent, theatre=theatre, climate=climate, chance=play.chance
        )


@dataclass
class Tally:
    """What all plays of a run have seen."""

    seeds: int = 0
    crashes: int = 0
    commands: int = 0
    effects: int = 0
    max_effects_per_wish: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, play: Play) -> "Tally":
        """Count a play that has ended."""
        return cls(
            seeds=1,
            crashes=sum(seat.lives - 1 for seat in play.seats),
            commands=len(play.deeds.sent),
            effects=len(play.deeds.effects),
            max_effects_per_wish=max(play.deeds.wishes.values(), default=0),
            faults=Counter(play.storm.counts),
        )

    def add(self, other: "Tally") -> None:
        """Count what another tally has counted, too."""
        self.seeds += other.seeds
        self.crashes += other.crashes
        self.commands += other.commands
        self.effects += other.effects
        self.max_effects_per_wish = max(self.max_effects_per_wish, other.max_effects_per_wish)
        self.faults += other.faults


def perform(play: Play) -> None:
    """Play *play* to its end.

    Raises:
        Violation: a rule was broken, or the fleet does not converge.
    """
    random.setstate(play.chance.getstate())  # where our buckets count from
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(play.act())
        if play.trace.violations:
            raise Violation(play.trace.violations[0])
    except BaseExceptionGroup as group:
        broken = group.subgroup(Violation)
        if broken is None:
            raise
        raise _first(broken) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
