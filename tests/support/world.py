"""What the fleet is like once an action has done its work: the planner's world, without I/O."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, assert_never

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
    Stored,
    UpsertJob,
)
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, JobId, RequestId, ResultId, Version
from reconciler.model.observed import LiveJob, Observed, Owned
from reconciler.model.report import RunFinished
from reconciler.observe.intake import Memory, learn
from tests.support import builders
from tests.support.builders import stored

K = TypeVar("K")
V = TypeVar("V")

Truth = Mapping[HostName, tuple[Version, Digest] | None]
"""What really runs on each host, of one package."""


def succeed(
    observed: Observed, truth: Truth, action: Action, desired: Desired, at: datetime
) -> tuple[Observed, Truth]:
    """Return the reading, and what really runs, once *action* has done its work."""
    match action:
        case PublishPackage() | PublishScript() | ReadBack() | UpsertJob():
            return _supplied(observed, action), truth
        case ExecJob(attempt=attempt) | ResendCommand(attempt=attempt) if is_install(attempt):
            digest, line = _installed(observed, desired, attempt)
            truth = {**truth, attempt.wish.host: (attempt.version, digest)}
            return _reported(observed, desired, attempt, line, at), truth
        case ExecJob(attempt=attempt) | ProbeHost(attempt=attempt) | ResendCommand(attempt=attempt):
            found = truth.get(attempt.wish.host)
            line = f"{attempt.package} absent"
            if found is not None:
                line = f"{attempt.package} {found[0]} sha256={found[1].hex} running"
            return _reported(observed, desired, attempt, line, at), truth
        case RolloutAgent(host=host, version=version):
            there = replace(observed.hosts[host], agent_version=version)
            return replace(observed, hosts={**observed.hosts, host: there}), truth
        case KeepRecord() | QuarantineRelease() | OfferRevert():
            return _remembered(observed, action), truth
        case DeletePackage() | DeleteScript() | DeleteJob() | ForgetRecord():
            return _removed(observed, action), truth
        case unknown:
            assert_never(unknown)


def is_install(attempt: Attempt) -> bool:
    return attempt.wish.purpose is Purpose.INSTALL


def _installed(observed: Observed, desired: Desired, attempt: Attempt) -> tuple[Digest, str]:
    """Return what a host runs after *attempt*, and what its script says last."""
    kept = observed.records.get((attempt.wish.release, attempt.wish.fingerprint))
    if kept is not None:
        return kept.digest, kept.stdout_ends_with
    release = _release_of(desired, attempt)
    return release.artifact.digest, release.verify.stdout_ends_with


def _release_of(desired: Desired, attempt: Attempt) -> Release:
    return next(item for item in desired.releases if item.name == attempt.wish.release)


def _supplied(
    observed: Observed, action: PublishPackage | PublishScript | ReadBack | UpsertJob
) -> Observed:
    match action:
        case ReadBack(kind=Stored.PACKAGE, ref=ref, digest=digest):
            checked = {**observed.owned_packages, ref: Owned(digest=digest, release=None)}
            return replace(observed, owned_packages=checked)
        case ReadBack(ref=ref, digest=digest):
            checked = {**observed.owned_scripts, ref: Owned(digest=digest, release=None)}
            return replace(observed, owned_scripts=checked)
        case PublishPackage(ref=ref, artifact=artifact):
            packages = {**observed.packages, ref: stored(ref, artifact.digest)}
            owned = {**observed.owned_packages, ref: Owned(digest=artifact.digest, release=None)}
            return replace(observed, packages=packages, owned_packages=owned)
        case PublishScript(ref=ref, digest=digest):
            scripts = {**observed.scripts, ref: stored(ref, digest)}
            owned_scripts = {**observed.owned_scripts, ref: Owned(digest=digest, release=None)}
            return replace(observed, scripts=scripts, owned_scripts=owned_scripts)
        case UpsertJob():
            return _upserted(observed, action)


def _remembered(
    observed: Observed, action: KeepRecord | QuarantineRelease | OfferRevert
) -> Observed:
    match action:
        case KeepRecord(record=record, as_approved=True):
            return replace(observed, approved={**observed.approved, record.release: record})
        case KeepRecord(record=record):
            key = (record.release, record.fingerprint)
            return replace(observed, records={**observed.records, key: record})
        case QuarantineRelease(quarantine=found):
            quarantine = {**observed.quarantine, (found.release, found.fingerprint): found}
            return replace(observed, quarantine=quarantine)
        case OfferRevert(release=release):
            offer = builders.offer(release)
            return replace(
                observed, offers={**observed.offers, (offer.release, offer.fingerprint): offer}
            )


def _removed(
    observed: Observed, action: DeletePackage | DeleteScript | DeleteJob | ForgetRecord
) -> Observed:
    match action:
        case DeletePackage(ref=ref):
            return replace(
                observed,
                packages=_without(observed.packages, ref),
                owned_packages=_without(observed.owned_packages, ref),
            )
        case DeleteScript(ref=ref):
            return replace(
                observed,
                scripts=_without(observed.scripts, ref),
                owned_scripts=_without(observed.owned_scripts, ref),
            )
        case DeleteJob(job_id=job):
            return replace(observed, jobs=_without(observed.jobs, job))
        case ForgetRecord(release=release, fingerprint=fingerprint):
            return replace(observed, records=_without(observed.records, (release, fingerprint)))


def _without(mapping: Mapping[K, V], gone: K) -> Mapping[K, V]:
    return {key: value for key, value in mapping.items() if key != gone}


def _upserted(observed: Observed, action: UpsertJob) -> Observed:
    job_id: JobId = action.job_id
    live = LiveJob(id=job_id, manifest=action.manifest, pin=action.version, revoked=False)
    return replace(observed, jobs={**observed.jobs, job_id: live})


def _reported(
    observed: Observed, desired: Desired, attempt: Attempt, line: str, at: datetime
) -> Observed:
    """Send *attempt* and let its host answer *line* at once, through the real intake."""
    wish = attempt.wish
    key = (wish.release, wish.host, wish.purpose)
    sent = replace(attempt, sent_at=at, request_id=RequestId(attempt.wish_id))
    memory = Memory(attempts={**observed.attempts, key: sent}, proofs=observed.proofs)
    report = RunFinished(
        result_id=ResultId(f"result-of-{attempt.wish_id}"),
        request_id=RequestId(attempt.wish_id),
        exec_id=None,
        host=wish.host,
        job=attempt.job,
        exit_code=0,
        skipped=False,
        last_line=line,
        stdout_tail=line,
        stderr_tail="",
        at=at,
    )
    learned = learn(report, memory, desired)
    attempts = {
        **memory.attempts,
        **{(one.wish.release, one.wish.host, one.wish.purpose): one for one in learned.attempts},
    }
    proofs = {**observed.proofs, **{(one.package, one.host): one for one in learned.proofs}}
    return replace(observed, attempts=attempts, proofs=proofs)
