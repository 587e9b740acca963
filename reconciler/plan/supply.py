"""What must be in kanade before a host can be sent a release's job, in the order it goes there."""

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from reconciler.model.action import UpsertJob
from reconciler.model.desired import Desired, DriftPolicy, Release
from reconciler.model.identity import ObjectRef
from reconciler.model.observed import Observed
from reconciler.model.plan import DRIFTED, Deferred, Step
from reconciler.plan.dispatch import Errand
from reconciler.plan.manifest import complete, job_version
from reconciler.plan.publish import plan_package, plan_script
from reconciler.plan.terms import Terms
from reconciler.plan.upsert import in_use, job_in_use, plan_free_job_now, plan_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The steps that are missing, what forbids them, and what a host can be sent after them."""

    steps: tuple[Step, ...] = ()
    blocked: Deferred | None = None
    errand: Errand | None = None


def supply_of(
    release: Release, desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> Supply:
    """Plan the package, the script and the job of *release*, in this order."""
    objects = _objects(release, observed)
    if isinstance(objects, Deferred):
        return Supply(blocked=objects)
    ref, steps = objects
    manifest = complete(release.job, version=release.version, script=ref, repo=desired.repo)
    upsert = plan_job(
        UpsertJob(job=release.job, manifest=manifest, version=release.version),
        observed,
        release=release.name,
        adopt=release.adopt,
        after=tuple(step.action.key for step in steps),
    )
    if isinstance(upsert, Deferred):
        return Supply(blocked=replace(upsert, release=release.name))
    drifted = _only_told(release, [*steps, *([upsert] if upsert is not None else [])])
    if drifted is not None:
        return Supply(blocked=drifted)
    until = job_in_use(release.job.id, observed, now, terms) if upsert is not None else None
    if until is not None:
        blocked = in_use(release.job.id, release.name, until)
        return Supply(steps=tuple(steps), blocked=blocked)
    if upsert is not None:
        steps.append(upsert)
    errand = Errand(
        job=release.job,
        version=release.version,
        manifest=manifest,
        script=ref,
        script_sha256=observed.rendered[release.name, release.fingerprint].digest.hex,
        after=tuple(step.action.key for step in steps),
    )
    return Supply(steps=tuple(steps), errand=errand)


def _objects(release: Release, observed: Observed) -> Deferred | tuple[ObjectRef, list[Step]]:
    """Plan what the job needs in kanade's stores; return the script's key with the steps."""
    unfit = observed.unfit_jobs.get(release.job.id)
    if unfit is not None:
        message = f"job {release.job.id}: the backend's schema refuses it: {unfit}"
        return _needs_person(release, "JobRefused", message)
    package = plan_package(release, observed)
    if isinstance(package, Deferred):
        return package
    script = plan_script(release, observed)
    if script is None:
        wanted = (release.name, release.fingerprint)
        message = observed.unrendered.get(wanted, "its script cannot be rendered")
        return _needs_person(release, "SecretUnavailable", message)
    ref, publish = script
    return ref, [step for step in (package, publish) if step is not None]


def _only_told(release: Release, steps: list[Step]) -> Deferred | None:
    """Return what has drifted in kanade's stores, where the release wants it reported and left."""
    drifted = [step for step in steps if step.reason == DRIFTED]
    if release.drift is not DriftPolicy.REPORT or not drifted:
        return None
    message = f"{drifted[0].action.key}: {drifted[0].message}; the release reports drift"
    return _needs_person(release, "DriftReported", message)


def _needs_person(release: Release, reason: str, message: str) -> Deferred:
    return Deferred(release=release.name, reason=reason, message=message, needs_person=True)


def probe_errand(
    release: Release, desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> Errand | None:
    """Return what a host is sent to be probed; `None` without a probe job that stands."""
    probe = release.verify.probe
    job = desired.jobs.get(probe.job) if probe is not None else None
    if job is None:
        return None
    planned = plan_free_job_now(job, desired, observed, now, terms)
    if isinstance(planned, Deferred):
        return None
    version = job_version(job)
    return Errand(
        job=job,
        version=version,
        manifest=complete(job, version=version, script=None, repo=desired.repo),
        after=(planned.action.key,) if planned is not None else (),
    )
