"""What the fleet is like once an action has done its work: the planner's world, without I/O."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from reconciler.model.action import (
    Action,
    ExecJob,
    ProbeHost,
    PublishPackage,
    PublishScript,
    ResendCommand,
    UpsertJob,
)
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, JobId, RequestId, ResultId, Version
from reconciler.model.observed import LiveJob, Observed, Owned
from reconciler.model.report import RunFinished
from reconciler.observe.intake import Memory, learn
from tests.support.builders import stored

Truth = Mapping[HostName, tuple[Version, Digest] | None]
"""What really runs on each host, of one package."""


def succeed(
    observed: Observed, truth: Truth, action: Action, desired: Desired, at: datetime
) -> tuple[Observed, Truth]:
    """Return the reading, and what really runs, once *action* has done its work."""
    match action:
        case PublishPackage(ref=ref, artifact=artifact):
            packages = {**observed.packages, ref: stored(ref, artifact.digest)}
            owned = {**observed.owned_packages, ref: Owned(digest=artifact.digest, release=None)}
            return replace(observed, packages=packages, owned_packages=owned), truth
        case PublishScript(ref=ref, digest=digest):
            scripts = {**observed.scripts, ref: stored(ref, digest)}
            owned_scripts = {**observed.owned_scripts, ref: Owned(digest=digest, release=None)}
            return replace(observed, scripts=scripts, owned_scripts=owned_scripts), truth
        case UpsertJob():
            return _upserted(observed, action), truth
        case ExecJob(attempt=attempt) | ResendCommand(attempt=attempt) if is_install(attempt):
            release = _release_of(desired, attempt)
            now_runs = (release.version, release.artifact.digest)
            truth = {**truth, attempt.wish.host: now_runs}
            line = release.verify.stdout_ends_with
            return _reported(observed, desired, attempt, line, at), truth
        case ExecJob(attempt=attempt) | ProbeHost(attempt=attempt) | ResendCommand(attempt=attempt):
            found = truth.get(attempt.wish.host)
            line = f"{attempt.package} absent"
            if found is not None:
                line = f"{attempt.package} {found[0]} sha256={found[1].hex} running"
            return _reported(observed, desired, attempt, line, at), truth
        case unknown:
            assert_never(unknown)


def is_install(attempt: Attempt) -> bool:
    return attempt.wish.purpose is Purpose.INSTALL


def _release_of(desired: Desired, attempt: Attempt) -> Release:
    return next(item for item in desired.releases if item.name == attempt.wish.release)


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
