"""Jobs of the catalogue that differ from the repository's."""

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.action import ActionKey, UpsertJob
from reconciler.model.desired import Desired, JobSpec
from reconciler.model.identity import JobId, Json, ReleaseName, Version
from reconciler.model.observed import LiveJob, Observed, Owned
from reconciler.model.plan import DRIFTED, Deferred, Step
from reconciler.plan.endings import ending, lapses_at
from reconciler.plan.manifest import complete, job_version, manifest_digest, same_manifest
from reconciler.plan.terms import Terms

NO_RELEASE = ReleaseName("")
"""Stands for the jobs that no release owns."""


def plan_job(
    action: UpsertJob,
    observed: Observed,
    *,
    release: ReleaseName | None,
    adopt: bool,
    after: tuple[ActionKey, ...] = (),
) -> Step | Deferred | None:
    """Return the step that writes the job, what forbids it, or `None` when it is right."""
    live, owned = observed.jobs.get(action.job_id), observed.owned_jobs.get(action.job_id)
    if live is not None:
        is_ours = adopt or owned is not None or _is_ours(live, action.manifest)
        objection = _objection(live, release, is_ours=is_ours)
        if objection is not None:
            return _refuse(action, release, *objection)
        if release is None and stands_unmarked(action, observed):
            return None
    why = _difference(action, live, owned)
    return _step(action, release, *why, after) if why is not None else None


def _objection(
    live: LiveJob, release: ReleaseName | None, *, is_ours: bool
) -> tuple[str, str] | None:
    """Return why the job may not be written, `None` when it may."""
    if live.revoked:
        return "Revoked", "a person has revoked it in kanade: unrevoke it there"
    if not is_ours:
        return "JobNotOwned", _whose(live, release)
    if release is not None and live.schedule is not None:
        message = f"kanade's schedule {live.schedule} runs it, too, and asks no gate: delete it"
        return "JobScheduled", message
    return None


def _whose(live: LiveJob, release: ReleaseName | None) -> str:
    """Return the message who has the job, and how it can become ours."""
    if release is not None:
        return "somebody else has registered it: set `adopt: true` in the release, or delete it"
    origin = live.manifest.get("origin")
    where = origin.get("repo") or origin.get("path") if isinstance(origin, dict) else None
    if where:
        return f"it is managed from {where}: delete it in kanade, or leave it to them"
    return "somebody else has registered another one: write here what it is, or delete it there"


def _difference(
    action: UpsertJob, live: LiveJob | None, owned: Owned | None
) -> tuple[str, str] | None:
    """Return how the job is not as it should be, `None` when it is."""
    if live is None:
        missing = ("JobMissing", "it is not in the catalogue")
        return (DRIFTED, "somebody has deleted it") if _was_right(action, owned) else missing
    if live.retired:
        return "JobReturns", "it had been deleted from here, and is wanted again"
    if not same_manifest(action.manifest, live.manifest):
        was_right = _was_right(action, owned)
        return (DRIFTED, "somebody has edited it") if was_right else _change(action, live)
    if live.pin != action.version:
        return DRIFTED, f"script_current says {live.pin or 'nothing'}"
    return None


def _was_right(action: UpsertJob, owned: Owned | None) -> bool:
    """True for what we once wrote, or found, as it is wanted now.

    That it is not so any more is drift, whatever its `origin` names.
    """
    known = (action.manifest, _unmarked(action.manifest))
    return owned is not None and any(owned.digest == manifest_digest(one) for one in known)


def job_in_use(job: JobId, observed: Observed, now: datetime, terms: Terms) -> datetime | None:
    """Return until when commands of *job* may be in flight, `None` when none is.

    An upsert moves the pin, and an agent checks the pin again after jitter and queueing.
    """
    limits = [
        lapses_at(attempt, terms)
        for attempt in observed.attempts.values()
        if attempt.job == job and ending(attempt, now, terms) is None
    ]
    return max(limits, default=None)


def plan_free_jobs(
    desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> tuple[list[Step], list[Deferred]]:
    """Plan the jobs that no release owns: probes, and all others that the repository keeps."""
    steps: list[Step] = []
    deferred: list[Deferred] = []
    for job in sorted(desired.jobs.values(), key=lambda job: job.id):
        match plan_free_job_now(job, desired, observed, now, terms):
            case Step() as step:
                steps.append(step)
            case Deferred() as reason:
                deferred.append(reason)
            case None:
                pass
    return steps, deferred


def jobs_to_claim(desired: Desired, observed: Observed) -> dict[JobId, Owned]:
    """Return the jobs of no release that nobody manages, and that are just as in git.

    They are ours from now on, and nothing is written into kanade for that: its page shows them as
    managed from git once something about them changes. Until then nothing there says whose they
    are, so that taking such a job out of git never deletes it.
    """
    actions = (
        free_action(job, desired)
        for job in desired.jobs.values()
        if job.id not in observed.owned_jobs
    )
    return {
        action.job_id: Owned(digest=manifest_digest(_unmarked(action.manifest)), release=None)
        for action in actions
        if stands_unmarked(action, observed)
    }


def plan_free_job_now(
    job: JobSpec, desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> Step | Deferred | None:
    """Plan one job that no release owns; its version stays while commands of it are in flight."""
    planned = plan_free_job(job, desired, observed)
    until = job_in_use(job.id, observed, now, terms) if isinstance(planned, Step) else None
    return in_use(job.id, NO_RELEASE, until) if until is not None else planned


def plan_free_job(job: JobSpec, desired: Desired, observed: Observed) -> Step | Deferred | None:
    """Plan one job that no release owns, whatever is in flight."""
    action = free_action(job, desired)
    unfit = observed.unfit_jobs.get(job.id)
    if unfit is not None:
        return _refuse(action, None, "JobRefused", f"the backend's schema refuses it: {unfit}")
    return plan_job(action, observed, release=None, adopt=False)


def in_use(job: JobId, release: ReleaseName, until: datetime) -> Deferred:
    """Return why a job is not written before *until*."""
    message = f"commands of {job} are in flight: its version cannot move yet"
    return Deferred(release=release, reason="JobInUse", message=message, until=until)


def free_action(job: JobSpec, desired: Desired) -> UpsertJob:
    """Return what writes a job that no release owns."""
    version = job_version(job)
    manifest = complete(job, version=version, script=None, repo=desired.repo)
    return UpsertJob(job=job, manifest=manifest, version=version)


def stands_unmarked(action: UpsertJob, observed: Observed) -> bool:
    """True when somebody has registered the job by hand, just as git says.

    Not so where we had marked it: who has taken the mark off has edited it.
    """
    live, owned = observed.jobs.get(action.job_id), observed.owned_jobs.get(action.job_id)
    bare = _unmarked(action.manifest)
    return (
        live is not None
        and not live.manifest.get("origin")
        and not (live.revoked or live.retired)
        and live.pin == action.version
        and same_manifest(bare, live.manifest)
        and (owned is None or owned.digest == manifest_digest(bare))
    )


def _unmarked(manifest: Mapping[str, Json]) -> dict[str, Json]:
    return {**manifest, "origin": None}


def _is_ours(live: LiveJob, wanted: Mapping[str, Json]) -> bool:
    """By `origin`: the same repository; or nobody's, and already what it should be."""
    found, ours = live.manifest.get("origin"), wanted.get("origin")
    if isinstance(found, dict) and isinstance(ours, dict):
        return found.get("repo") == ours.get("repo")
    return same_manifest(_unmarked(live.manifest), _unmarked(wanted))


def _change(action: UpsertJob, live: LiveJob) -> tuple[str, str]:
    version: Version | Json = live.manifest.get("version")
    if version != action.version:
        return "VersionDiffers", f"it is registered as {version}, wanted is {action.version}"
    return "ManifestDiffers", "its manifest is not the repository's"


def _step(
    action: UpsertJob,
    release: ReleaseName | None,
    reason: str,
    message: str,
    after: tuple[ActionKey, ...],
) -> Step:
    return Step(action=action, release=release, reason=reason, message=message, after=after)


def _refuse(action: UpsertJob, release: ReleaseName | None, reason: str, message: str) -> Deferred:
    return Deferred(
        release=release or NO_RELEASE,
        reason=reason,
        message=f"job {action.job_id}: {message}",
        needs_person=True,
    )
