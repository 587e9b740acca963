"""Which hosts get a command in this pass, out of those that need one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.action import ActionKey, ExecJob, ProbeHost
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import JobSpec, Release
from reconciler.model.fingerprint import wish_id
from reconciler.model.identity import HostName, Json, ObjectRef, RequestId, Version
from reconciler.model.observed import UNSEEN, Observed
from reconciler.model.plan import Deferred, State, Step
from reconciler.plan.gates import HostScene, host_shut
from reconciler.plan.terms import Terms
from reconciler.plan.verdict import Verdict, Want
from reconciler.plan.waves import Permit


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
    ours: frozenset[RequestId]
    """The commands that we have sent: finding one of them in a slot is no surprise."""
    via: Via
    install: Errand | None
    """`None` when the job or its script are not to be used now."""
    probe: Errand | None
    permit: Permit
    now: datetime
    terms: Terms


def send(sending: Sending, verdicts: Iterable[Verdict]) -> tuple[list[Step], list[Deferred]]:
    """Return the commands that may go now, and why the others may not.

    Never more than `max_in_flight` installs of the release at a time, and one command a host.
    """
    verdicts = tuple(verdicts)
    steps: list[Step] = []
    deferred = [_left(sending.release, verdict) for verdict in verdicts if verdict.held]
    room = sending.release.rollout.max_in_flight - _in_flight(verdicts)
    waiting = 0
    for want, errand in _due(sending, verdicts):
        is_install = want.wish.purpose is Purpose.INSTALL
        shut = host_shut(_scene(sending, want.wish.host))
        if shut is not None:
            deferred.append(shut)
        elif is_install and room <= 0:
            waiting += 1
        else:
            room -= is_install
            steps.append(_step(sending, want, errand))
    if waiting:
        deferred.append(_full(sending.release, waiting))
    if sending.permit.shut is not None and sending.install is not None:
        deferred.append(sending.permit.shut)
    return steps, deferred


def _due(sending: Sending, verdicts: tuple[Verdict, ...]) -> Iterator[tuple[Want, Errand]]:
    """Yield what hosts need, where there is a job for it and it is their turn."""
    for verdict in verdicts:
        want = verdict.want
        errand = _errand(sending, want)
        if want is not None and errand is not None and _has_its_turn(sending, want):
            yield want, errand


def _scene(sending: Sending, host: HostName) -> HostScene:
    observed = sending.observed
    slot = observed.slots.get(host)
    is_ours = slot is not None and slot.request_id in sending.ours
    return HostScene(
        release=sending.release,
        host=host,
        state=observed.hosts.get(host, UNSEEN),
        busy=sending.busy.get(host),
        slot=None if is_ours else slot,
        now=sending.now,
    )


def _has_its_turn(sending: Sending, want: Want) -> bool:
    return want.wish.purpose is Purpose.PROBE or want.wish.host in sending.permit.hosts


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
        reason="MaxInFlight",
        message=f"{waiting} more hosts wait: at most {limit} at a time",
    )
