"""`python -m tests.simulation`: play seeds; one that fails says how to see it again."""

import argparse
import os
import secrets
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from tests.simulation.scenes import SCENES
from tests.simulation.stage import Tally, be_quiet, perform, stage
from tests.support.reliability import report

_BATCH = 4
"""Seeds for each process between two looks at the clock."""


def main() -> int:
    """Return 1 when a seed has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--first", type=int, help="the first seed; any, for --minutes")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--minutes", type=float, help="play until so many minutes have passed")
    parser.add_argument("--scene", choices=[*SCENES, "all"], default="all")
    parser.add_argument("--trace", action="store_true", help="print what happens in each")
    parser.add_argument("--to-the-first", action="store_true", help="end with the first that fails")
    given = parser.parse_args()
    be_quiet()
    scenes = list(SCENES) if given.scene == "all" else [given.scene]
    first = given.first or (0 if given.minutes is None else secrets.randbits(32))
    begun, tally, failed, seed = time.monotonic(), Tally(), 0, first
    # Whoever looks for the first failure, or at a trace, wants one play after the other.
    jobs = 1 if given.to_the_first or given.trace else os.cpu_count() or 1
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        play_all = map if jobs == 1 else pool.map
        while _goes_on(given, seed - first, time.monotonic() - begun):
            if failed and given.to_the_first:
                return 1
            batch = range(seed, seed + _size(given, seed - first, jobs))
            plays = [Play(seed, scene, given.trace) for seed in batch for scene in scenes]
            for counted, text in play_all(_play, plays):
                tally.add(counted)
                failed += text is not None
            seed = batch.stop
    faults = sum(tally.faults.values())
    print(dict(sorted(tally.faults.items())))  # noqa: T201 (what the run is read for)
    report(
        seeds=tally.seeds,
        **{f"seeds_of_{scene}": seed - first for scene in scenes},
        simulated_crashes=tally.crashes,
        simulated_faults=faults,
        simulated_commands=tally.commands,
        simulated_effects=tally.effects,
        max_effects_per_wish=tally.max_effects_per_wish,
    )
    return int(failed > 0)


def _goes_on(given: argparse.Namespace, played: int, seconds: float) -> bool:
    if given.minutes is None:
        return bool(played < given.seeds)
    return bool(seconds < given.minutes * 60)


def _size(given: argparse.Namespace, played: int, jobs: int) -> int:
    """Return how many seeds are played before it is asked again whether to go on."""
    size = 1 if jobs == 1 else jobs * _BATCH
    return size if given.minutes is not None else min(size, given.seeds - played)


class Play(NamedTuple):
    """What one process plays at a time."""

    seed: int
    scene: str
    is_traced: bool


def _play(this: Play) -> tuple[Tally, str | None]:
    """Play a seed to its end; the text says how it failed, `None` that it has not."""
    be_quiet()
    play, failed = stage(this.seed, this.scene), None
    try:
        perform(play)
    except Exception:  # noqa: BLE001 (whatever it is: this seed has failed, the next may tell more)
        again = f"make simulate SEED={this.seed} SCENE={this.scene}"
        failed = f"{traceback.format_exc()}\nseed {this.seed} failed; again with: {again}"
    if this.is_traced or failed:
        print(play.trace.text(100_000 if this.is_traced else 100))  # noqa: T201 (to be read)
    if failed:
        print(failed, flush=True)  # noqa: T201 (as above)
    return Tally.of(play), failed


if __name__ == "__main__":
    sys.exit(main())
