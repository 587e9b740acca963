"""What reports change in the journal and in the proofs; pure.

A report belongs to one of our attempts by its request id, or by the exec id that the backend
made. One that belongs to none is still a fact about the host: somebody has run the job by hand.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.attempt import Attempt, Outcome, Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.digest import Digest
from reconciler.model.failure import Failure
from reconciler.model.identity import HostName, JobId, PackageName, ReleaseName, Version
from reconciler.model.proof import Evidence, Proof
from reconciler.model.report import RunFinished, RunStarted
from reconciler.observe.diagnosis import diagnose, unreadable_probe
from reconciler.observe.failure_table import OTHER_SCRIPT
from reconciler.plan.terms import CLOCK_SKEW

AttemptKey = tuple[ReleaseName, HostName, Purpose]
ProofKey = tuple[PackageName, HostName]
RunKey = tuple[JobId, HostName]

_NAMELESS = Version("unknown")
"""What a probe calls the version of running bytes that nothing on the host names any more."""
_PROBE_LINE = re.compile(
    r"(?P<package>\S+) (?:absent|(?P<version>\S+) sha256=(?P<sha256>[0-9a-f]{64}) "
    r"(?P<state>running|stopped))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The part of our own state that reports change."""

    attempts: Mapping[AttemptKey, Attempt] = field(default_factory=dict)
    proofs: Mapping[ProofKey, Proof] = field(default_factory=dict)
    runs: Mapping[RunKey, RunStarted] = field(default_factory=dict)
    """Runs of our jobs that somebody else has started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a report teaches: the entries to write, and nothing else."""

    attempts: tuple[Attempt, ...] = ()
    proofs: tuple[Proof, ...] = ()
    begun: tuple[RunStarted, ...] = ()
    """Somebody else's, of a job of ours."""
    ended: tuple[RunKey, ...] = ()


def learn(report: RunStarted | RunFinished, memory: Memory, desired: Desired) -> Learned:
    """Return what *report* changes; nothing when it is of no job of ours, or old news."""
    attempt = _attempt_of(report, memory, desired)
    match report:
        case RunStarted():
            return _started(report, attempt, memory, desired)
        case RunFinished():
            return _finished(report, attempt, memory, desired)


def _attempt_of(
    report: RunStarted | RunFinished, memory: Memory, desired: Desired
) -> Attempt | None:
    candidates = [
        attempt
        for release, purpose in _releases_of(report.job, desired)
        if (attempt := memory.attempts.get((release.name, report.host, purpose))) is not None
    ]
    named = (attempt for attempt in candidates if _names(report, attempt))
    may_be = (one for one in candidates if _may_be(report, one, memory))
    return next(named, None) or next(may_be, None)


def _names(report: RunStarted | RunFinished, attempt: Attempt) -> bool:
    return report.request_id in (attempt.request_id, attempt.wish_id) or (
        report.exec_id is not None and report.exec_id == attempt.exec_id
    )


def _may_be(report: RunStarted | RunFinished, attempt: Attempt, memory: Memory) -> bool:
    """True for an attempt over HTTP whose answer was lost: its ids are in nobody's journal.

    A run of that job on that host, begun after the intent as far as two clocks agree, is the one
    that was asked for; if somebody has started it by hand at that moment, it does the very same.
    One that names another version of itself is somebody's own.
    """
    return (
        attempt.in_doubt
        and attempt.exec_id is None
        and report.at >= attempt.intended_at - CLOCK_SKEW
        and _version_of(report, attempt) in (None, attempt.version)
        and not _is_old(report, attempt, memory)
    )


def _is_old(report: RunStarted | RunFinished, attempt: Attempt, memory: Memory) -> bool:
    """True for a run that has been taken in before: a repeated report comes after the intent."""
    proof = memory.proofs.get((attempt.package, report.host))
    is_cause = attempt.wish.cause.partition("@")[0] == report.result_id
    is_known = is_cause or report.request_id in attempt.earlier
    return is_known or (proof is not None and _rests_on(proof, report))


def _version_of(report: RunStarted | RunFinished, attempt: Attempt) -> Version | None:
    """Return which version of the job has run, as far as the report shows it."""
    if isinstance(report, RunStarted):
        return report.version
    if attempt.wish.purpose is Purpose.PROBE:
        return None
    return _version_said(report.last_line, attempt.package)


def _started(
    report: RunStarted, attempt: Attempt | None, memory: Memory, desired: Desired
) -> Learned:
    if attempt is None and _is_by_hand(report, memory, desired):
        return Learned(begun=(report,))
    if attempt is None or attempt.settled or attempt.started_at is not None:
        return Learned()
    started = replace(
        attempt,
        started_at=report.at,
        sent_at=attempt.sent_at or report.at,
        request_id=report.request_id,
        exec_id=report.exec_id,
    )
    return Learned(attempts=(started,))


def _is_by_hand(report: RunStarted, memory: Memory, desired: Desired) -> bool:
    """True for a job of ours whose run nobody knows; not so when its result was taken in before."""
    ours = [*_releases_of(report.job, desired)]
    releases = [release for release, _ in ours]
    attempts = (memory.attempts.get((one.name, report.host, purpose)) for one, purpose in ours)
    if any(one is not None and report.request_id in one.earlier for one in attempts):
        return False
    proofs = (memory.proofs.get((one.package, report.host)) for one in releases)
    known = memory.runs.get((report.job, report.host))
    return (
        bool(releases)
        and (known is None or known.at < report.at)
        and not any(proof is not None and _rests_on(proof, report) for proof in proofs)
    )


def _rests_on(proof: Proof, report: RunStarted | RunFinished) -> bool:
    """True when *report* is of the very run that the newest evidence is of."""
    return any(
        evidence is not None and report.request_id == evidence.request_id
        for evidence in (proof.by_result, proof.by_probe)
    )


def _finished(
    report: RunFinished, attempt: Attempt | None, memory: Memory, desired: Desired
) -> Learned:
    settled: tuple[Attempt, ...] = ()
    proofs: list[Proof] = []
    other = OTHER_SCRIPT.failure() if attempt is not None and attempt.is_other_script else None
    for release, purpose in _releases_of(report.job, desired):
        mine = attempt if attempt is not None and attempt.wish.release == release.name else None
        failure = other or _failure(report, release, purpose, mine)
        if failure is None:
            old = memory.proofs.get((release.package, report.host))
            old = old or Proof(package=release.package, host=report.host)
            new = _proved(old, report, purpose, mine)
            proofs += [new] if new != old else []
        if mine is not None and not mine.settled:
            settled = (_settled(mine, report, failure),)
    by_hand = memory.runs.get((report.job, report.host))
    is_over = by_hand is not None and by_hand.request_id == report.request_id
    ended = ((report.job, report.host),) if is_over else ()
    return Learned(attempts=settled, proofs=tuple(proofs), ended=ended)


def _failure(
    report: RunFinished, release: Release, purpose: Purpose, attempt: Attempt | None
) -> Failure | None:
    if purpose is Purpose.INSTALL:
        return diagnose(report, _expected_end(release, attempt))
    failure = diagnose(report, None)
    if failure is None and _probed(report, release.package) is None:
        return unreadable_probe(report, release.package)
    return failure


def _expected_end(release: Release, attempt: Attempt | None) -> str | None:
    """What stdout must end with, for the version that was sent: it may not be today's."""
    if attempt is None:
        return None
    if attempt.version == release.version:
        return release.verify.stdout_ends_with
    return release.verify.stdout_ends_with.replace(release.version, attempt.version)


def _releases_of(job: JobId, desired: Desired) -> Iterable[tuple[Release, Purpose]]:
    for release in desired.releases:
        if release.job.id == job:
            yield release, Purpose.INSTALL
        probe = release.verify.probe
        if probe is not None and probe.job == job:
            yield release, Purpose.PROBE


def _settled(attempt: Attempt, report: RunFinished, failure: Failure | None) -> Attempt:
    outcome = Outcome(
        result_id=report.result_id,
        exit_code=report.exit_code,
        skipped=report.skipped,
        last_line=report.last_line,
        stderr_tail=report.stderr_tail,
        at=report.at,
        failure=failure,
    )
    return replace(
        attempt,
        outcome=outcome,
        request_id=report.request_id,
        exec_id=report.exec_id or attempt.exec_id,
        sent_at=attempt.sent_at or report.at,
    )


def _proved(proof: Proof, report: RunFinished, purpose: Purpose, attempt: Attempt | None) -> Proof:
    if purpose is Purpose.PROBE:
        evidence = _probed(report, proof.package)
        return (
            proof if evidence is None else replace(proof, by_probe=_newer(proof.by_probe, evidence))
        )
    version = (
        attempt.version if attempt is not None else _version_said(report.last_line, proof.package)
    )
    if version is None:
        return proof
    evidence = _evidence(report, version=version, digest=None, running=True)
    return replace(proof, by_result=_newer(proof.by_result, evidence))


def _version_said(line: str, package: PackageName) -> Version | None:
    """Return the version of a line that ends `<package> <version>`."""
    found = re.search(rf"(?:^|\s){re.escape(package)} (\S+)\s*$", line)
    return Version(found[1]) if found is not None else None


def _probed(report: RunFinished, package: PackageName) -> Evidence | None:
    found = _PROBE_LINE.fullmatch(report.last_line.strip())
    if found is None or found["package"] != package:
        return None
    if found["version"] is None:
        return _evidence(report, version=None, digest=None, running=False)
    return _evidence(
        report,
        version=Version(found["version"]),
        digest=Digest(found["sha256"]),
        running=found["state"] == "running",
    )


def _evidence(
    report: RunFinished, *, version: Version | None, digest: Digest | None, running: bool
) -> Evidence:
    return Evidence(
        id=report.result_id,
        version=version,
        digest=digest,
        running=running,
        request_id=report.request_id,
        first_at=report.at,
        last_at=report.at,
    )


def _newer(old: Evidence | None, new: Evidence) -> Evidence:
    """Return what is known after *new*: the same fact seen again keeps its id and its start."""
    if old is None:
        return new
    if new.last_at < old.last_at:
        return old
    if not _is_same(old, new):
        return replace(new, before=old.version, before_at=old.last_at)
    version = old.version if new.version == _NAMELESS else new.version
    return replace(old, version=version, last_at=new.last_at, request_id=new.request_id)


def _is_same(old: Evidence, new: Evidence) -> bool:
    """By the bytes, where both have seen them: a probe that meets a swap may not know a name."""
    if old.digest is not None and new.digest is not None:
        return (old.digest, old.running) == (new.digest, new.running)
    return (old.version, old.digest, old.running) == (new.version, new.digest, new.running)
