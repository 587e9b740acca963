"""Return the steps that turn what is observed into what is desired."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.action import ExecJob, ProbeHost, ResendCommand, UpsertJob
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, ReleaseName, RequestId
from reconciler.model.observed import Observed, Presence
from reconciler.model.plan import Assessment, Deferred, Plan, State, Step, WaveState
from reconciler.plan.case import case_of
from reconciler.plan.dispatch import Errand, Sending, send
from reconciler.plan.endings import ending
from reconciler.plan.gates import Scene, first_shut, first_shut_for_changes, way
from reconciler.plan.manifest import complete, job_version
from reconciler.plan.order import in_order
from reconciler.plan.publish import plan_package, plan_script
from reconciler.plan.targets import targets_of
from reconciler.plan.terms import Terms
from reconciler.plan.upsert import job_in_use, plan_free_job, plan_free_jobs, plan_job
from reconciler.plan.verdict import Verdict, judge
from reconciler.plan.waves import permit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one release adds to the plan."""

    steps: tuple[Step, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    hosts: tuple[Assessment, ...] = ()
    waves: tuple[WaveState, ...] = ()
    blocked: Deferred | None = None
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Supply:
    """What must be in kanade before a host can be sent the release's job."""

    steps: tuple[Step, ...] = ()
    blocked: Deferred | None = None
    errand: Errand | None = None


def plan(desired: Desired, observed: Observed, now: datetime, terms: Terms) -> Plan:
    """Return the plan for one reading.

    The same arguments always give an equal plan; when all its steps have succeeded, the next
    one is empty until a host answers or the clock moves on. What cannot be done now is deferred
    with its reason, never dropped.
    """
    busy = _busy(observed, now, terms)
    via = way(observed, terms, in_flight=bool(busy))
    may_write = via is not None and not observed.freeze.frozen
    steps, deferred = plan_free_jobs(desired, observed) if may_write else ([], [])
    steps += _resends(observed, busy) if may_write else []
    ours = frozenset(
        RequestId(attempt.request_id or attempt.wish_id) for attempt in observed.attempts.values()
    )
    unfinished = frozenset(release.name for release in desired.releases)
    parts: dict[ReleaseName, _Part] = {}
    for release in in_order(desired.releases):
        part = _plan_release(
            release, desired, observed, _Moment(now, terms, busy, ours, via, unfinished)
        )
        parts[release.name] = part
        busy = busy | _newly_busy(part.steps)
        if all(view.state is State.CONVERGED for view in part.hosts):
            unfinished -= {release.name}
    return Plan(
        revision=desired.revision,
        via=via,
        steps=(*steps, *(step for part in parts.values() for step in part.steps)),
        deferred=(*deferred, *(item for part in parts.values() for item in part.deferred)),
        hosts={name: part.hosts for name, part in parts.items()},
        waves={name: part.waves for name, part in parts.items()},
        blocked={name: part.blocked for name, part in parts.items() if part.blocked is not None},
        wake_at=_earliest(part.look_at for part in parts.values()),
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    now: datetime
    terms: Terms
    busy: Mapping[HostName, Attempt]
    ours: frozenset[RequestId]
    via: Via | None
    unfinished: frozenset[ReleaseName]


def _plan_release(release: Release, desired: Desired, observed: Observed, moment: _Moment) -> _Part:
    now, terms = moment.now, moment.terms
    verdicts = [
        judge(case_of(release, host, observed, now, terms))
        for host in targets_of(release, desired, observed)
    ]
    scene = Scene(
        release=release,
        observed=observed,
        hosts=tuple(verdict.assessment for verdict in verdicts),
        unfinished=moment.unfinished,
        in_flight=bool(moment.busy),
        now=now,
        terms=terms,
    )
    shut = first_shut(scene)
    if shut is not None or moment.via is None:
        return _held(verdicts, observed, shut)
    supply = _supply(release, desired, observed, now, terms)
    changes = bool(supply.steps) or any(_is_install(verdict) for verdict in verdicts)
    shut = supply.blocked
    if shut is None and changes:
        shut = first_shut_for_changes(scene)
    if shut is not None:
        supply = _Supply(blocked=shut)
    going = permit(release, scene.hosts, desired, observed, now)
    sending = Sending(
        release=release,
        observed=observed,
        busy=moment.busy,
        ours=moment.ours,
        via=moment.via,
        install=supply.errand,
        probe=_probe_errand(release, desired, observed),
        permit=going,
        now=now,
        terms=terms,
    )
    sent, deferred = send(sending, verdicts)
    if shut is not None:
        deferred.insert(0, shut)
    return _Part(
        steps=(*supply.steps, *sent),
        deferred=tuple(deferred),
        hosts=_with_presence(verdicts, observed),
        waves=going.waves,
        blocked=shut,
        look_at=_look_at(verdicts, deferred),
    )


def _supply(
    release: Release, desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> _Supply:
    """Plan the package, the script and the job of *release*, in this order."""
    unfit = observed.unfit_jobs.get(release.job.id)
    if unfit is not None:
        message = f"job {release.job.id}: the backend's schema refuses it: {unfit}"
        return _Supply(
            blocked=Deferred(
                release=release.name, reason="JobRefused", message=message, needs_person=True
            )
        )
    package = plan_package(release, observed)
    if isinstance(package, Deferred):
        return _Supply(blocked=package)
    script = plan_script(release, observed)
    if script is None:
        message = observed.unrendered.get(release.name, "its script cannot be rendered")
        return _Supply(
            blocked=Deferred(
                release=release.name, reason="SecretUnavailable", message=message, needs_person=True
            )
        )
    ref, publish = script
    steps = [step for step in (package, publish) if step is not None]
    manifest = complete(release.job, version=release.version, script=ref, repo=desired.repo)
    action = UpsertJob(job=release.job, manifest=manifest, version=release.version)
    upsert = plan_job(
        action,
        release=release.name,
        live=observed.jobs.get(release.job.id),
        adopt=release.adopt,
        after=tuple(step.action.key for step in steps),
    )
    if isinstance(upsert, Deferred):
        return _Supply(blocked=replace(upsert, release=release.name))
    if upsert is not None:
        until = job_in_use(release.job.id, observed, now, terms)
        if until is not None:
            message = f"commands of {release.job.id} are in flight: its version cannot move yet"
            return _Supply(
                steps=tuple(steps),
                blocked=Deferred(
                    release=release.name, reason="JobInUse", message=message, until=until
                ),
            )
        steps.append(upsert)
    errand = Errand(
        job=release.job,
        version=release.version,
        manifest=manifest,
        script=ref,
        script_sha256=observed.rendered[release.name].digest.hex,
        after=tuple(step.action.key for step in steps),
    )
    return _Supply(steps=tuple(steps), errand=errand)


def _probe_errand(release: Release, desired: Desired, observed: Observed) -> Errand | None:
    probe = release.verify.probe
    job = desired.jobs.get(probe.job) if probe is not None else None
    if job is None:
        return None
    planned = plan_free_job(job, desired, observed)
    if isinstance(planned, Deferred):
        return None
    version = job_version(job)
    return Errand(
        job=job,
        version=version,
        manifest=complete(job, version=version, script=None, repo=desired.repo),
        after=(planned.action.key,) if planned is not None else (),
    )


def _held(verdicts: list[Verdict], observed: Observed, shut: Deferred | None) -> _Part:
    """Everything of the release waits; it is told only when there is something that waits."""
    wanted = any(verdict.want is not None for verdict in verdicts)
    told = shut if shut is not None and (wanted or shut.reason == "Suspended") else None
    deferred = (told,) if told is not None else ()
    return _Part(
        deferred=deferred,
        hosts=_with_presence(verdicts, observed),
        blocked=told,
        look_at=_look_at(verdicts, deferred),
    )


def _busy(observed: Observed, now: datetime, terms: Terms) -> dict[HostName, Attempt]:
    """Return the hosts that have a command of ours in flight, of whatever release."""
    return {
        attempt.wish.host: attempt
        for attempt in observed.attempts.values()
        if ending(attempt, now, terms) is None
    }


def _newly_busy(steps: Iterable[Step]) -> dict[HostName, Attempt]:
    return {
        action.attempt.wish.host: action.attempt
        for action in (step.action for step in steps)
        if isinstance(action, ExecJob | ProbeHost)
    }


def _resends(observed: Observed, busy: Mapping[HostName, Attempt]) -> list[Step]:
    """Send again what a crash, or somebody's later command in the same slot, has kept back.

    The same bytes under the same id run once, so this is safe; over HTTP there is no such id,
    and doubt is settled by other means.
    """
    return [
        Step(
            action=ResendCommand(attempt=attempt),
            release=attempt.wish.release,
            reason="NotDelivered",
            message=f"{attempt.job} is not in the slot of {host}, and the host has not begun it",
        )
        for host, attempt in sorted(busy.items())
        if attempt.via is Via.NATS and attempt.started_at is None and _is_lost(attempt, observed)
    ]


def _is_lost(attempt: Attempt, observed: Observed) -> bool:
    host = attempt.wish.host
    state, slot = observed.hosts.get(host), observed.slots.get(host)
    if state is None or state.presence is not Presence.ONLINE:
        return False
    if attempt.sent_at is None:
        return True
    if slot is None or slot.request_id == attempt.request_id or state.last_seen is None:
        return False
    return slot.at < state.last_seen


def _with_presence(verdicts: list[Verdict], observed: Observed) -> tuple[Assessment, ...]:
    return tuple(_seen(verdict, observed) for verdict in verdicts)


def _seen(verdict: Verdict, observed: Observed) -> Assessment:
    """A host that needs something and is not there is offline before it is anything else."""
    view = verdict.assessment
    state = observed.hosts.get(view.host)
    away = state is not None and state.presence is Presence.OFFLINE
    if not away or verdict.want is None or view.state is State.CONVERGED:
        return view
    message = f"offline; {view.message}"
    return replace(view, state=State.OFFLINE, reason="HostOffline", message=message)


def _look_at(verdicts: Iterable[Verdict], deferred: Iterable[Deferred]) -> datetime | None:
    return _earliest(
        [*(verdict.look_at for verdict in verdicts), *(item.until for item in deferred)]
    )


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _is_install(verdict: Verdict) -> bool:
    return verdict.want is not None and verdict.want.wish.purpose is Purpose.INSTALL
