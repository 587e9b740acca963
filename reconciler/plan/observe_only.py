"""A plan without its effects on a fleet: hosts are probed, and all else is only reported."""

from collections import defaultdict
from dataclasses import replace
from typing import assert_never

from reconciler.model.action import (
    Action,
    DeleteJob,
    DeletePackage,
    DeleteScript,
    ExecJob,
    ForgetRecord,
    KeepRecord,
    OfferRevert,
    ProbeHost,
    PublishPackage,
    PublishScript,
    QuarantineRelease,
    ReadBack,
    ResendCommand,
    RolloutAgent,
    UpsertJob,
)
from reconciler.model.attempt import Purpose
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.plan import Deferred, Plan, Step


def observe_only(plan: Plan, observed: Observed) -> Plan:
    """Return *plan* with its probes, and what it would do besides as reasons why it does not.

    A probe whose job is not registered yet goes out over NATS all the same, as the command
    itself says what to run; one whose job is registered in another version would be skipped by
    its agent.
    """
    kept = {step.action.key: step for step in plan.steps if _only_observes(step.action)}
    left = {step.action.key for step in plan.steps if step.action.key not in kept}
    unfit = {
        step.action.key
        for step in plan.steps
        if isinstance(step.action, UpsertJob) and step.action.job_id in observed.jobs
    }
    blind = {key for key, step in kept.items() if not unfit.isdisjoint(step.after)}
    by_release: dict[ReleaseName, list[Step]] = defaultdict(list)
    for step in plan.steps:
        if step.action.key in left or step.action.key in blind:
            by_release[step.release or ReleaseName("")].append(step)
    held = {name: _held(name, steps) for name, steps in by_release.items()}
    return replace(
        plan,
        steps=tuple(replace(step, after=()) for key, step in kept.items() if key not in blind),
        deferred=(*plan.deferred, *held.values()),
        claims={},
        blocked={**held, **plan.blocked},
    )


def _only_observes(action: Action) -> bool:
    """True for what changes nothing on a fleet: a probe, and what we keep of it ourselves."""
    match action:
        case ProbeHost() | KeepRecord():
            return True
        case ResendCommand(attempt=attempt):
            return attempt.wish.purpose is Purpose.PROBE
        case (
            PublishPackage()
            | PublishScript()
            | ReadBack()
            | UpsertJob()
            | ExecJob()
            | RolloutAgent()
            | QuarantineRelease()
            | OfferRevert()
            | DeletePackage()
            | DeleteScript()
            | DeleteJob()
            | ForgetRecord()
        ):
            return False
        case unknown:
            assert_never(unknown)


def _held(release: ReleaseName, steps: list[Step]) -> Deferred:
    first, rest = steps[0], len(steps) - 1
    more = f", and {rest} more" if rest else ""
    message = f"observe-only: not done is {first.action.key} ({first.message}){more}"
    return Deferred(release=release, reason="ObserveOnly", message=message)
