"""Releases that were proved, kept; and kept ones as releases again."""

import json
from dataclasses import replace
from datetime import datetime

from reconciler.model.desired import Artifact, JobSpec, PublishedArtifact, Release
from reconciler.model.identity import Revision
from reconciler.model.proof import Evidence
from reconciler.model.record import KeptJob, ReleaseRecord


def record_of(release: Release, revision: Revision, now: datetime) -> ReleaseRecord:
    """Return what is to be kept of *release*, which has just been proved on a host."""
    job = release.job
    return ReleaseRecord(
        release=release.name,
        package=release.package,
        version=release.version,
        digest=release.artifact.digest,
        fingerprint=release.fingerprint,
        revision=revision,
        script=release.script,
        job=KeptJob(
            id=job.id,
            path=job.path,
            manifest=json.dumps(job.manifest),
            yaml=job.yaml,
            script_file=job.script_file,
            timeout=job.timeout,
        ),
        stdout_ends_with=release.verify.stdout_ends_with,
        at=now,
        targets=release.targets,
        rollout=release.rollout,
    )


def release_of(record: ReleaseRecord, current: Release) -> Release:
    """Return *current* as it was when *record* was kept; today's targets apply.

    Its bytes are in kanade's store, where pruning leaves them, so nobody has to publish them.
    """
    job = record.job
    return replace(
        current,
        package=record.package,
        version=record.version,
        artifact=Artifact(origin=PublishedArtifact(), digest=record.digest),
        script=record.script,
        job=JobSpec(
            id=job.id,
            path=job.path,
            manifest=json.loads(job.manifest),
            yaml=job.yaml,
            script_file=job.script_file,
            timeout=job.timeout,
        ),
        verify=replace(current.verify, stdout_ends_with=record.stdout_ends_with),
        fingerprint=record.fingerprint,
    )


def matches(record: ReleaseRecord, evidence: Evidence) -> bool:
    """True when *evidence* shows what *record* has kept; the bytes decide where they are known."""
    if evidence.digest is not None:
        return evidence.running and evidence.digest == record.digest
    return evidence.running and evidence.version == record.version
