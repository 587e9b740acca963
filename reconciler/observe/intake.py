"""What reports, and the commands' slots, change in the journal and in the proofs; pure.

A report belongs to one of our attempts by its request id, or by the exec id that the backend
made. One that belongs to none is still a fact about the host: somebody has run the job by hand.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.attempt import Attempt, Outcome, Purpose, Via
from reconciler.model.desired import Desired, Release
from reconciler.model.digest import Digest
from reconciler.model.failure import Failure
from reconciler.model.identity import HostName, JobId, PackageName, ReleaseName, Version
from reconciler.model.observed import Slot
from reconciler.model.proof import Evidence, Proof
from reconciler.model.report import RunFinished, RunStarted
from reconciler.observe.diagnosis import diagnose, unreadable_probe

AttemptKey = tuple[ReleaseName, HostName, Purpose]
ProofKey = tuple[PackageName, HostName]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a report teaches: the entries to write, and nothing else."""

    attempts: tuple[Attempt, ...] = ()
    proofs: tuple[Proof, ...] = ()


def learn(report: RunStarted | RunFinished, memory: Memory, desired: Desired) -> Learned:
    """Return what *report* changes; nothing when it is of no job of ours, or old news."""
    attempt = _attempt_of(report, memory, desired)
    match report:
        case RunStarted():
            return _started(report, attempt)
        case RunFinished():
            return _finished(report, attempt, memory, desired)


def witness(attempt: Attempt, slot: Slot | None) -> Attempt | None:
    """Return *attempt* with the ids that its host's slot gives away, `None` for no news.

    Over HTTP the backend makes the ids; the slot's message, when it is later than the intent and
    is for the same job, version and script, is the command that was sent.
    """
    if slot is None or attempt.via is not Via.HTTP or attempt.settled:
        return None
    if attempt.request_id is not None or slot.at < attempt.intended_at:
        return None
    same = (
        slot.job == attempt.job
        and slot.version == attempt.version
        and slot.script_sha256 == attempt.script_sha256
    )
    if not same:
        return None
    return replace(
        attempt,
        request_id=slot.request_id,
        exec_id=slot.exec_id,
        slot_sequence=slot.sequence,
        sent_at=attempt.sent_at or slot.at,
    )


def _attempt_of(
    report: RunStarted | RunFinished, memory: Memory, desired: Desired
) -> Attempt | None:
    candidates = [
        attempt
        for release, purpose in _releases_of(report.job, desired)
        if (attempt := memory.attempts.get((release.name, report.host, purpose))) is not None
    ]
    named = (attempt for attempt in candidates if _names(report, attempt))
    return next(named, None) or next((one for one in candidates if _may_be(report, one)), None)


def _names(report: RunStarted | RunFinished, attempt: Attempt) -> bool:
    return report.request_id in (attempt.request_id, attempt.wish_id) or (
        report.exec_id is not None and report.exec_id == attempt.exec_id
    )


def _may_be(report: RunStarted | RunFinished, attempt: Attempt) -> bool:
    """True for an attempt over HTTP whose answer was lost: its ids are in nobody's journal.

    A run of that job on that host, begun after the intent, is the one that was asked for; if
    somebody has started it by hand at that moment, it does the very same.
    """
    return (
        attempt.via is Via.HTTP
        and not attempt.settled
        and attempt.request_id is None
        and attempt.exec_id is None
        and report.at >= attempt.intended_at
        and (isinstance(report, RunFinished) or report.version == attempt.version)
    )


def _started(report: RunStarted, attempt: Attempt | None) -> Learned:
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


def _finished(
    report: RunFinished, attempt: Attempt | None, memory: Memory, desired: Desired
) -> Learned:
    settled: tuple[Attempt, ...] = ()
    proofs: list[Proof] = []
    for release, purpose in _releases_of(report.job, desired):
        mine = attempt if attempt is not None and attempt.wish.release == release.name else None
        failure = _failure(report, release, purpose, mine)
        if failure is None:
            old = memory.proofs.get((release.package, report.host))
            old = old or Proof(package=release.package, host=report.host)
            new = _proved(old, report, purpose, mine)
            proofs += [new] if new != old else []
        if mine is not None and not mine.settled:
            settled = (_settled(mine, report, failure),)
    return Learned(attempts=settled, proofs=tuple(proofs))


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
        return replace(new, before=old.version)
    version = old.version if new.version == _NAMELESS else new.version
    return replace(old, version=version, last_at=new.last_at, request_id=new.request_id)


def _is_same(old: Evidence, new: Evidence) -> bool:
    """By the bytes, where both have seen them: a probe that meets a swap may not know a name."""
    if old.digest is not None and new.digest is not None:
        return (old.digest, old.running) == (new.digest, new.running)
    return (old.version, old.digest, old.running) == (new.version, new.digest, new.running)
