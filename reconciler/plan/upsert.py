"""Jobs of the catalogue that differ from the repository's."""

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.action import ActionKey, UpsertJob
from reconciler.model.desired import Desired, JobSpec
from reconciler.model.identity import JobId, Json, ReleaseName, Version
from reconciler.model.observed import LiveJob, Observed
from reconciler.model.plan import Deferred, Step
from reconciler.plan.endings import ending, lapses_at
from reconciler.plan.manifest import complete, job_version, same_manifest
from reconciler.plan.terms import Terms

NO_RELEASE = ReleaseName("")
"""Stands for the jobs that no release owns."""


def plan_job(
    action: UpsertJob,
    *,
    release: ReleaseName | None,
    live: LiveJob | None,
    adopt: bool,
    after: tuple[ActionKey, ...] = (),
) -> Step | Deferred | None:
    """Return the step that writes the job, what forbids it, or `None` when it is right."""
    if live is None:
        return _step(action, release, "JobMissing", "it is not in the catalogue", after)
    if live.revoked:
        return _refuse(
            action, release, "Revoked", "a person has revoked it in kanade: unrevoke it there"
        )
    if not adopt and not _is_ours(live, action.manifest):
        return _refuse(
            action,
            release,
            "JobNotOwned",
            "somebody else has registered it: say `adopt: true` in the release, or delete it",
        )
    if not same_manifest(action.manifest, live.manifest):
        return _step(action, release, *_change(action, live), after)
    if live.pin != action.version:
        message = f"script_current says {live.pin or 'nothing'}"
        return _step(action, release, "DriftDetected", message, after)
    return None


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


def plan_free_jobs(desired: Desired, observed: Observed) -> tuple[list[Step], list[Deferred]]:
    """Plan the jobs that no release owns: probes, and whatever else the repository keeps."""
    steps: list[Step] = []
    deferred: list[Deferred] = []
    for job in sorted(desired.jobs.values(), key=lambda job: job.id):
        match plan_free_job(job, desired, observed):
            case Step() as step:
                steps.append(step)
            case Deferred() as reason:
                deferred.append(reason)
            case None:
                pass
    return steps, deferred


def plan_free_job(job: JobSpec, desired: Desired, observed: Observed) -> Step | Deferred | None:
    """Plan one job that no release owns."""
    version = job_version(job)
    manifest = complete(job, version=version, script=None, repo=desired.repo)
    action = UpsertJob(job=job, manifest=manifest, version=version)
    unfit = observed.unfit_jobs.get(job.id)
    if unfit is not None:
        return _refuse(action, None, "JobRefused", f"the backend's schema refuses it: {unfit}")
    return plan_job(action, release=None, live=observed.jobs.get(job.id), adopt=False)


def _is_ours(live: LiveJob, wanted: Mapping[str, Json]) -> bool:
    """By `origin`: the same repository; or nobody's, and already what it should be."""
    found, ours = live.manifest.get("origin"), wanted.get("origin")
    if isinstance(found, dict) and isinstance(ours, dict):
        return found.get("repo") == ours.get("repo")
    return same_manifest({**live.manifest, "origin": None}, {**wanted, "origin": None})


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
