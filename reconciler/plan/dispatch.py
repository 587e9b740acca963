"""Which hosts get a command in this pass, out of those that need one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.action import ActionKey, ExecJob, ProbeHost
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import JobSpec, Release
from reconciler.model.fingerprint import wish_id
from reconciler.model.identity import HostName, Json, ObjectRef, Version
from reconciler.model.observed import Observed
from reconciler.model.plan import Deferred, State, Step
from reconciler.plan.gates import host_shut
from reconciler.plan.terms import Terms
from reconciler.plan.verdict import Verdict, Want


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a host is sent: a job in the version and with the script that stand by then."""

    job: JobSpec
    version: Version
    manifest: Mapping[str, Json] = field(repr=False)
    script: ObjectRef | None = None
    script_sha256: str | None = None
    after: tuple[ActionKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Everything that decides on the commands of one release."""

    release: Release
    observed: Observed
    busy: Mapping[HostName, Attempt]
    via: Via
    install: Errand | None
    """`None` when the job or its script are not to be used now."""
    probe: Errand | None
    now: datetime
    terms: Terms


def send(sending: Sending, verdicts: Iterable[Verdict]) -> tuple[list[Step], list[Deferred]]:
    """Return the commands that may go now, and why the others may not.

    Never more than `max_in_flight` installs of the release at a time, and one command a host.
    """
    steps: list[Step] = []
    deferred: list[Deferred] = []
    verdicts = tuple(verdicts)
    room = sending.release.rollout.max_in_flight - _in_flight(verdicts)
    waiting = 0
    for verdict in verdicts:
        if verdict.held:
            deferred.append(_left(sending.release, verdict))
        want, host = verdict.want, verdict.assessment.host
        errand = _errand(sending, want)
        if want is None or errand is None:
            continue
        shut = host_shut(sending.release, host, sending.observed, sending.busy, sending.now)
        if shut is not None:
            deferred.append(shut)
        elif want.wish.purpose is Purpose.PROBE:
            steps.append(_step(sending, want, errand))
        elif room > 0:
            room -= 1
            steps.append(_step(sending, want, errand))
        else:
            waiting += 1
    if waiting:
        deferred.append(_full(sending.release, waiting))
    return steps, deferred


def _in_flight(verdicts: tuple[Verdict, ...]) -> int:
    """Count the hosts whose install is on its way, runs, or has yet to be proved."""
    return sum(
        verdict.assessment.state in (State.DISPATCHED, State.RUNNING, State.VERIFYING)
        for verdict in verdicts
    )


def _errand(sending: Sending, want: Want | None) -> Errand | None:
    if want is None:
        return None
    return sending.probe if want.wish.purpose is Purpose.PROBE else sending.install


def _step(sending: Sending, want: Want, errand: Errand) -> Step:
    attempt = _attempt(sending, want, errand)
    if want.wish.purpose is Purpose.PROBE:
        action: ExecJob | ProbeHost = ProbeHost(attempt=attempt, manifest=errand.manifest)
    else:
        action = ExecJob(attempt=attempt, manifest=errand.manifest)
    return Step(
        action=action,
        release=sending.release.name,
        reason=want.reason,
        message=want.message,
        after=errand.after,
    )


def _attempt(sending: Sending, want: Want, errand: Errand) -> Attempt:
    return Attempt(
        wish=want.wish,
        wish_id=wish_id(want.wish),
        package=sending.release.package,
        version=errand.version,
        job=errand.job.id,
        script=errand.script,
        script_sha256=errand.script_sha256,
        via=sending.via,
        timeout=errand.job.timeout,
        intended_at=sending.now,
        deadline_at=sending.now + sending.terms.dispatch_deadline,
        number=want.number,
    )


def _left(release: Release, verdict: Verdict) -> Deferred:
    message = f"{verdict.assessment.message}; {verdict.held}"
    host = verdict.assessment.host
    return Deferred(release=release.name, host=host, reason="DriftReported", message=message)


def _full(release: Release, waiting: int) -> Deferred:
    limit = release.rollout.max_in_flight
    return Deferred(
        release=release.name,
        host=None,
        reason="MaxInFlight",
        message=f"{waiting} more hosts wait: at most {limit} at a time",
    )
