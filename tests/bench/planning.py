"""Plan and status in memory: `python -m tests.bench.planning`, a question a line.

A question is `RELEASES HOSTS known` or `RELEASES HOSTS unknown`; times are of the CPU.

A fleet of which all is known has nothing to do; of one of which nothing is known, every pair of
release and host is deferred, or asked by a probe: as much as there can be to plan.
"""

import gc
import sys
import time
from dataclasses import replace

from reconciler.cli.collector import expect_many_values
from reconciler.model.attempt import Purpose
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.outcome import Applied
from reconciler.model.plan import Plan
from reconciler.model.proof import Proof
from reconciler.model.status import ControllerStatus, Status
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from reconciler.state.board import changes
from reconciler.status.summarize import summarize_hosts, summarize_jobs, summarize_releases
from reconciler.status.transitions import transitions
from tests.bench.alone import Figures, alone, tell
from tests.bench.measure import Measure
from tests.support.builders import (
    NOON,
    attempt,
    desired,
    evidence,
    online,
    outcome,
    release,
    supplied,
)
from tests.support.world import succeed

FLEETS = (1, 1_000, 10_000)
_ROUNDS = 5
_BESIDE = "plan and status in memory, of the CPU"


def fleet(releases: int, hosts: int, *, known: bool) -> tuple[Desired, Observed]:
    """Return a fleet where every release is wanted on every host, and, if *known*, proved."""
    names = [f"pc-{number:05}" for number in range(hosts)]
    wanted = desired(
        *(release("2.0.0", name=f"tool-{number}", hosts=names) for number in range(releases))
    )
    observed = replace(supplied(*wanted.releases), hosts=online(*names))
    if not known:
        return wanted, observed
    proofs, attempts = {}, {}
    for item in wanted.releases:
        for host in wanted.hosts:
            fact = evidence(item.version, sha=item.artifact.digest, name=f"fact-{host}")
            proofs[item.package, host] = Proof(package=item.package, host=host, by_probe=fact)
            done = attempt(item, host, outcome=outcome(name=f"result-{host}"))
            attempts[item.name, host, Purpose.INSTALL] = done
    observed = replace(observed, proofs=proofs, attempts=attempts)
    for step in plan(wanted, observed, NOON, Terms()).steps:
        observed, _ = succeed(observed, {}, step.action, wanted, NOON)
    return wanted, observed


def status_of(wanted: Desired, observed: Observed, todo: Plan, before: Status) -> Status:
    applied = Applied(plan=todo, outcomes=())
    return Status(
        controller=ControllerStatus(revision=wanted.revision),
        releases=summarize_releases(wanted, applied, before.releases, NOON),
        hosts=summarize_hosts(wanted, todo, NOON),
        jobs=summarize_jobs(wanted, observed, applied),
    )


def no_news(wanted: Desired, observed: Observed) -> float:
    """Return the CPU seconds from a reading that says nothing new to a status that is none."""
    nothing = Status(controller=ControllerStatus(revision=None))
    before = status_of(wanted, observed, plan(wanted, observed, NOON, Terms()), nothing)
    seconds = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        todo = plan(wanted, observed, NOON, Terms())
        after = status_of(wanted, observed, todo, before)
        news = (todo.steps, transitions(before, after, NOON), changes(before, after))
        assert not any(news)
        seconds.append(time.process_time() - begun)
    return sorted(seconds)[_ROUNDS // 2]


def from_nothing(wanted: Desired, observed: Observed) -> float:
    """Return the CPU seconds of one plan for a fleet of which nothing is known."""
    begun = time.process_time()
    todo = plan(wanted, observed, NOON, Terms())
    seconds = time.process_time() - begun
    pairs = len(wanted.releases) * len(wanted.hosts)
    assert len(todo.steps) + len(todo.deferred) == pairs
    return seconds


async def measures() -> list[Measure]:
    """Measure each fleet in a process of its own."""
    taken = []
    for hosts in FLEETS:
        figures = await _asked(f"1 {hosts} known")
        group, milliseconds = f"no_op_pass_{hosts}_hosts", round(figures["seconds"] * 1000, 1)
        taken.append(
            Measure(group=group, name="planned_ms", value=milliseconds, limit=1000, beside=_BESIDE)
        )
    figures, group = await _asked("50 10000 unknown"), "plan_50_releases_10000_hosts"
    return [
        *taken,
        Measure(
            group=group,
            name="seconds",
            value=round(figures["seconds"], 2),
            limit=5,
            beside="of the CPU",
        ),
        Measure(group=group, name="rss_mb", value=figures["rss_mb"], limit=300),
    ]


async def _asked(question: str) -> Figures:
    async with alone(__name__) as ask:
        return await ask(question)


def main() -> None:
    """Answer questions."""
    expect_many_values()
    for question in sys.stdin:
        releases, hosts, known = question.split()
        wanted, observed = fleet(int(releases), int(hosts), known=known == "known")
        gc.collect()
        measured = no_news if known == "known" else from_nothing
        tell({"seconds": measured(wanted, observed)})


if __name__ == "__main__":
    main()
