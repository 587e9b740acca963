"""The status after a pass; pure, so the same pass always gives the same status."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from reconciler.model.action import UpsertJob
from reconciler.model.attempt import Attempt
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, JobId, ReleaseName
from reconciler.model.observed import LiveJob, Observed
from reconciler.model.outcome import Applied, StepState
from reconciler.model.plan import Assessment, Deferred, Plan, Step, WaveState
from reconciler.model.status import (
    Held,
    HostStatus,
    JobStatus,
    ReleaseStatus,
    RunStatus,
    WaveStatus,
)
from reconciler.plan.manifest import job_version
from reconciler.plan.terms import RECHECK_AFTER
from reconciler.status.alike import likeness
from reconciler.status.conditions import conditions_of, facts_of


def summarize_releases(
    desired: Desired,
    applied: Applied,
    before: Mapping[ReleaseName, ReleaseStatus],
    now: datetime,
) -> dict[ReleaseName, ReleaseStatus]:
    """Return the status of every release; a condition's time moves only when it changes."""
    return {
        release.name: _release(release, desired, applied, before.get(release.name), now)
        for release in desired.releases
    }


def summarize_hosts(
    desired: Desired, plan: Plan, now: datetime
) -> dict[tuple[ReleaseName, HostName], HostStatus]:
    """Return the status of every targeted host, by release."""
    held = {
        (item.release, item.host): _held(item, now)
        for item in plan.deferred
        if item.host is not None
    }
    statuses: dict[tuple[ReleaseName, HostName], HostStatus] = {}
    for release in desired.releases:
        waves = {
            host: wave.name for wave in plan.waves.get(release.name, ()) for host in wave.hosts
        }
        for view in plan.hosts.get(release.name, ()):
            key = (release.name, view.host)
            status = _host(release, view, held=held.get(key), wave=waves.get(view.host, ""))
            statuses[key] = status
    return statuses


def summarize_jobs(
    desired: Desired, observed: Observed, applied: Applied
) -> dict[JobId, JobStatus]:
    """Return every job of the repository, against the catalogue as the pass has left it."""
    owned = {release.job.id: release for release in desired.releases}
    jobs = {**desired.jobs, **{job: release.job for job, release in owned.items()}}
    waiting: dict[JobId, Step] = {}
    written: set[JobId] = set()
    for outcome in applied.outcomes:
        if isinstance(outcome.step.action, UpsertJob):
            if outcome.state is StepState.DONE:
                written.add(outcome.step.action.job_id)
            else:
                waiting[outcome.step.action.job_id] = outcome.step
    statuses: dict[JobId, JobStatus] = {}
    for job_id, job in sorted(jobs.items()):
        live, release = observed.jobs.get(job_id), owned.get(job_id)
        wanted = release.version if release is not None else job_version(job)
        pin = live.pin if live is not None else None
        registered = wanted if job_id in written else pin
        reason, message = _standing(waiting.get(job_id), live, right=registered == wanted)
        statuses[job_id] = JobStatus(
            id=job_id,
            release=release.name if release is not None else None,
            version=wanted,
            registered=registered,
            reason=reason,
            message=message,
            script=_script_of(live) if live is not None else "",
        )
    return statuses


def _script_of(live: LiveJob) -> str:
    execute = live.manifest.get("execute")
    script = execute.get("script_object") if isinstance(execute, dict) else None
    return script if isinstance(script, str) else ""


def _standing(waiting: Step | None, live: LiveJob | None, *, right: bool) -> tuple[str, str]:
    if waiting is not None:
        return waiting.reason, waiting.message
    if live is not None and live.revoked:
        return "Revoked", "a person has revoked it in kanade"
    if right:
        return "InSync", ""
    return "Missing" if live is None else "VersionDiffers", ""


def _host(release: Release, view: Assessment, *, held: Held | None, wave: str) -> HostStatus:
    shown = view.install or view.probe
    outcome = shown.outcome if shown is not None else None
    return HostStatus(
        release=release.name,
        host=view.host,
        state=str(view.state),
        reason=view.reason,
        message=view.message,
        fix=view.failure.fix if view.failure is not None else "",
        wanted=view.wanted or release.version,
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
        wave=wave,
        held=held,
        run=_run(shown) if shown is not None else None,
        unhealthy=view.unhealthy,
        alike=likeness(view),
    )


def _run(attempt: Attempt) -> RunStatus:
    outcome = attempt.outcome
    return RunStatus(
        job=attempt.job,
        version=attempt.version,
        purpose=str(attempt.wish.purpose),
        via=str(attempt.via),
        number=attempt.number,
        intended_at=attempt.intended_at,
        sent_at=attempt.sent_at,
        started_at=attempt.started_at,
        ended_at=outcome.at if outcome is not None else None,
        stderr_tail=outcome.stderr_tail if outcome is not None else "",
    )


def _release(
    release: Release,
    desired: Desired,
    applied: Applied,
    before: ReleaseStatus | None,
    now: datetime,
) -> ReleaseStatus:
    facts, plan = facts_of(release, applied), applied.plan
    old = before.conditions if before is not None else ()
    wanted = {view.wanted for view in facts.views if view.wanted is not None}
    return ReleaseStatus(
        name=release.name,
        package=release.package,
        version=release.version,
        fingerprint=release.fingerprint,
        revision=desired.revision,
        job=release.job.id,
        conditions=conditions_of(facts, desired.revision, old, now),
        counts=dict(sorted(Counter(str(view.state) for view in facts.views).items())),
        waits_for=facts.blocked.message if facts.blocked is not None else "",
        in_force=tuple(sorted(wanted - {release.version})),
        waves=tuple(_wave(wave) for wave in plan.waves.get(release.name, ())),
        held=tuple(
            _held(item, now)
            for item in plan.deferred
            if item.release == release.name and item.host is None
        ),
    )


def _wave(wave: WaveState) -> WaveStatus:
    return WaveStatus(
        name=wave.name,
        hosts=len(wave.hosts),
        healthy=wave.healthy,
        failed=wave.failed,
        offline=wave.offline,
        is_open=wave.is_open,
    )


def _held(item: Deferred, now: datetime) -> Held:
    """Return why it waits; a moment that is always a little ahead of now is no news."""
    is_news = item.until is not None and item.until - now > RECHECK_AFTER
    return Held(
        reason=item.reason,
        message=item.message,
        until=item.until if is_news else None,
        needs_person=item.needs_person,
    )
