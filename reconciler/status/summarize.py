"""What to tell of a pass; pure, so the same pass is always told the same way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.errors import ReconcilerError
from reconciler.model.action import UpsertJob
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, JobId, ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.outcome import Applied, StepOutcome
from reconciler.model.plan import Assessment, Deferred, Plan, State
from reconciler.model.status import HostStatus, JobStatus, ReleaseStatus
from reconciler.plan.manifest import job_version

_ENDED_BADLY = (State.FAILED, State.TIMED_OUT)


def summarize_releases(
    desired: Desired,
    applied: Applied,
    before: Mapping[ReleaseName, ReleaseStatus],
    now: datetime,
) -> dict[ReleaseName, ReleaseStatus]:
    """Return the status of every release; a condition's time moves only with what it says."""
    return {
        release.name: _release(release, desired, applied, before.get(release.name), now)
        for release in desired.releases
    }


def summarize_hosts(desired: Desired, plan: Plan) -> dict[tuple[ReleaseName, HostName], HostStatus]:
    """Return the status of every targeted host, by release."""
    return {
        (release.name, view.host): _host(release, view)
        for release in desired.releases
        for view in plan.hosts.get(release.name, ())
    }


def summarize_jobs(desired: Desired, observed: Observed, plan: Plan) -> dict[JobId, JobStatus]:
    """Return every job of the repository, against the catalogue."""
    owned = {release.job.id: release for release in desired.releases}
    jobs = {**desired.jobs, **{job: release.job for job, release in owned.items()}}
    planned = {
        step.action.job_id: step for step in plan.steps if isinstance(step.action, UpsertJob)
    }
    statuses: dict[JobId, JobStatus] = {}
    for job_id, job in sorted(jobs.items()):
        live, release = observed.jobs.get(job_id), owned.get(job_id)
        step = planned.get(job_id)
        statuses[job_id] = JobStatus(
            id=job_id,
            release=release.name if release is not None else None,
            version=release.version if release is not None else job_version(job),
            registered=live.pin if live is not None else None,
            reason=step.reason if step is not None else "InSync" if live is not None else "Missing",
            message=step.message if step is not None else "",
        )
    return statuses


def reachability(
    error: ReconcilerError | None, before: Iterable[Condition], now: datetime
) -> Condition:
    """Return whether kanade can be read; *error* is why the last pass could not be made."""
    kind = ConditionType.KANADE_READY
    old = next((condition for condition in before if condition.type is kind), None)
    if error is None:
        return _since(_condition(kind, Truth.TRUE, "Reachable", ""), old, now)
    return _since(_condition(kind, Truth.FALSE, error.reason, str(error)), old, now)


def _host(release: Release, view: Assessment) -> HostStatus:
    shown = view.install or view.probe
    outcome = shown.outcome if shown is not None else None
    return HostStatus(
        release=release.name,
        host=view.host,
        state=str(view.state),
        reason=view.reason,
        message=view.message,
        fix=view.failure.fix if view.failure is not None else "",
        wanted=release.version,
        running=view.running,
        sha256=view.running_digest.hex if view.running_digest is not None else None,
        exec_id=shown.exec_id if shown is not None else None,
        result_id=outcome.result_id if outcome is not None else None,
        exit_code=outcome.exit_code if outcome is not None else None,
        last_line=outcome.last_line if outcome is not None else "",
        attempt=shown.number if shown is not None else 0,
        drifted=view.drifted,
        install_intact=view.failure.install_intact if view.failure is not None else None,
        proved_at=view.proved_at,
    )


def _release(
    release: Release,
    desired: Desired,
    applied: Applied,
    before: ReleaseStatus | None,
    now: datetime,
) -> ReleaseStatus:
    views = applied.plan.hosts.get(release.name, ())
    blocked = applied.plan.blocked.get(release.name)
    failed = [item for item in applied.failed if item.step.release == release.name]
    found = _conditions(release, views, blocked, failed)
    old = {condition.type: condition for condition in before.conditions} if before else {}
    stamped = tuple(
        _since(replace(condition, revision=desired.revision), old.get(condition.type), now)
        for condition in found
    )
    return ReleaseStatus(
        name=release.name,
        package=release.package,
        version=release.version,
        fingerprint=release.fingerprint,
        revision=desired.revision,
        job=release.job.id,
        conditions=stamped,
        counts=dict(sorted(Counter(str(view.state) for view in views).items())),
        waits_for=blocked.message if blocked is not None else "",
    )


def _since(new: Condition, old: Condition | None, now: datetime) -> Condition:
    told = (new.status, new.reason, new.message)
    if old is not None and told == (old.status, old.reason, old.message):
        return replace(new, since=old.since)
    return replace(new, since=now)


def _conditions(
    release: Release,
    views: tuple[Assessment, ...],
    blocked: Deferred | None,
    failed: Iterable[StepOutcome],
) -> list[Condition]:
    ready = _ready(release, views, blocked, list(failed))
    stalled = _stalled(views, blocked, list(failed))
    busy = ready.status is not Truth.TRUE and stalled.status is not Truth.TRUE
    reconciling = (
        _condition(ConditionType.RECONCILING, Truth.TRUE, ready.reason, ready.message)
        if busy
        else _condition(ConditionType.RECONCILING, Truth.FALSE, "Settled", "")
    )
    conditions = [ready, reconciling, stalled, _drift(views)]
    if release.job.require_approval or release.approval is not None:
        conditions.append(_approved(blocked))
    if blocked is not None and blocked.reason == "Suspended":
        conditions.append(
            _condition(ConditionType.SUSPENDED, Truth.TRUE, "Suspended", blocked.message)
        )
    return conditions


def _ready(
    release: Release,
    views: tuple[Assessment, ...],
    blocked: Deferred | None,
    failed: list[StepOutcome],
) -> Condition:
    kind = ConditionType.READY
    wrong = [view for view in views if view.state in _ENDED_BADLY]
    if failed:
        return _condition(kind, Truth.FALSE, failed[0].reason, failed[0].message)
    if wrong:
        message = f"{len(wrong)} of {len(views)} hosts failed; {wrong[0].host}: {wrong[0].message}"
        return _condition(kind, Truth.FALSE, wrong[0].reason, message)
    if blocked is not None:
        return _condition(kind, Truth.FALSE, blocked.reason, blocked.message)
    return _progress(release, views)


def _progress(release: Release, views: tuple[Assessment, ...]) -> Condition:
    kind = ConditionType.READY
    done = sum(view.state is State.CONVERGED for view in views)
    proved = f"{done} of {len(views)} hosts run {release.package} {release.version}, proved"
    if not views:
        return _condition(kind, Truth.FALSE, "NoHosts", "the targets select no host today")
    if done == len(views):
        return _condition(kind, Truth.TRUE, "Converged", proved)
    if any(view.state is State.UNKNOWN for view in views):
        return _condition(kind, Truth.UNKNOWN, "NoEvidence", proved)
    return _condition(kind, Truth.FALSE, "Progressing", proved)


def _stalled(
    views: tuple[Assessment, ...], blocked: Deferred | None, failed: list[StepOutcome]
) -> Condition:
    kind = ConditionType.STALLED
    for view in views:
        if view.state in _ENDED_BADLY:
            fix = view.failure.fix if view.failure is not None else ""
            message = f"{view.host}: {view.message}" + (f"; {fix}" if fix else "")
            return _condition(kind, Truth.TRUE, view.reason, message)
    if blocked is not None and blocked.needs_person:
        return _condition(kind, Truth.TRUE, blocked.reason, blocked.message)
    for outcome in failed:
        if not outcome.transient:
            return _condition(kind, Truth.TRUE, outcome.reason, outcome.message)
    return _condition(kind, Truth.FALSE, "Progressing", "")


def _drift(views: tuple[Assessment, ...]) -> Condition:
    kind = ConditionType.DRIFT_DETECTED
    drifted = [view for view in views if view.drifted]
    if not drifted:
        return _condition(kind, Truth.FALSE, "NoDrift", "")
    message = f"{len(drifted)} hosts; {drifted[0].host}: {drifted[0].message}"
    return _condition(kind, Truth.TRUE, "DriftDetected", message)


def _approved(blocked: Deferred | None) -> Condition:
    kind = ConditionType.APPROVED
    if blocked is not None and blocked.reason == "ApprovalRequired":
        return _condition(kind, Truth.FALSE, blocked.reason, blocked.message)
    return _condition(kind, Truth.TRUE, "NotWaiting", "")


def _condition(kind: ConditionType, status: Truth, reason: str, message: str) -> Condition:
    return Condition(
        type=kind, status=status, reason=reason, message=message, revision=None, since=_NEVER
    )


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
