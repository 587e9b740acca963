"""What happens in a play: a storm that ends, controllers that forget everything, bad versions."""

from tests.simulation.flaws import Flaw
from tests.simulation.happenings import EVENTS, our_state_is_lost, results_are_evicted
from tests.simulation.play import Play
from tests.simulation.trace import Violation

_CONVERGES_WITHIN = 3 * 3600.0
_QUIET_SECONDS = 400.0
"""Long enough for one more look at each host."""
_PATIENCE_SECONDS = 1200.0
_TRIES = 5
"""How often a person asks for another try of a good version, at most."""


async def storm(play: Play) -> None:
    """Let everything happen at once, and then nothing more: it must converge, and be quiet."""
    play.commit_next()
    for _ in range(play.climate.versions - 1):
        play.later(play.chance.uniform(0, play.climate.stormy_seconds), play.commit_next)
    await _let_it_rage(play)
    _clear_up(play)
    await _converge(play)
    await _is_quiet(play)
    play.deeds.counts_effects_of(play.version, play.hosts)


async def forgotten(play: Play) -> None:
    """Lose all that we keep, and all results: no service of a converged fleet is restarted."""
    play.storm.calm = True
    play.commit_next()
    await _converge(play)
    play.trace.tell("world", "all is forgotten")
    our_state_is_lost(play)
    results_are_evicted(play)
    commands = len(play.deeds.sent)
    play.storm.calm = False
    await play.sleep(play.climate.stormy_seconds)
    _clear_up(play)
    await _converge(play)
    await _is_quiet(play)
    sent = list(play.deeds.sent.values())[commands:]
    if not sent or any(command.is_install for command in sent):
        raise Violation("an install was sent, and nothing was known")


async def rollouts(play: Play) -> None:
    """Commit good and bad versions in a storm; a last bad one leaves nobody on it."""
    play.commit_next()
    for _ in range(play.climate.versions):
        play.later(play.chance.uniform(0, play.climate.stormy_seconds), play.commit_any)
    await _let_it_rage(play)
    _clear_up(play)
    if play.chance.random() < 0.5:
        play.commit_next()
        play.spoil(play.hosts)
    if play.flaw is not None:
        await _comes_to_rest(play)
        play.commit_next()
    await _converge(play)
    await _is_quiet(play)


SCENES = {"storm": storm, "forgotten": forgotten, "rollouts": rollouts}


async def _let_it_rage(play: Play) -> None:
    while play.now < play.climate.stormy_seconds:
        await play.sleep(play.chance.expovariate(1 / play.climate.pace_seconds))
        if play.climate.events:
            name = play.chance.choice(play.climate.events)
            play.trace.tell("world", name)
            play.storm.counts[name] += 1
            EVENTS[name](play)


def _clear_up(play: Play) -> None:
    play.trace.tell("world", "no more faults")
    play.storm.calm = True
    play.storm.nats_down_until = play.storm.backend_down_until = 0.0
    play.people.thaw()
    play.people.resume()
    for host in play.hosts.values():
        host.come()
    for seat in play.seats:
        seat.stop(0)


async def _is_quiet(play: Play) -> None:
    before = len(play.deeds.effects)
    await play.sleep(_QUIET_SECONDS)
    if len(play.deeds.effects) != before:
        raise Violation("a host is changed after all have converged")


async def _converge(play: Play) -> None:
    end, tries = play.now + _CONVERGES_WITHIN, 0
    while not play.has_converged():
        if play.now > end:
            raise Violation(f"it does not converge: {play.told()}")
        play.people.approve_the_last()
        await play.sleep(5)
        if play.is_held() and tries < _TRIES:
            tries += 1
            play.people.retry()
            await play.sleep(60)


async def _comes_to_rest(play: Play) -> None:
    """Wait until a bad version is held, or until it is too late to say so.

    Of a host that goes back by itself, and that nobody knows to have run that before or within
    its soak, nobody can tell that it was not overwritten: it is healed, ever more patiently.
    """
    end, before = play.now + _CONVERGES_WITHIN, -1
    if play.flaw is Flaw.GOES_BACK:
        await play.sleep(_PATIENCE_SECONDS)
        return
    while not play.is_at_rest() or len(play.deeds.effects) != before:
        if play.now > end:
            raise Violation(f"it does not come to rest: {play.told()}")
        play.people.approve_the_last()
        before = len(play.deeds.effects)
        await play.sleep(_QUIET_SECONDS)
    for host in play.left_behind():
        raise Violation(f"{host} is left on a bad version, and was on a good one")
