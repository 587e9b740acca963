"""What is to be done with one host: the heart of the planner.

The rule behind all of it: only contrary evidence leads to an install, missing evidence leads to
a probe, and an install that has failed is repeated only when a new fact asks for it.
"""

from datetime import datetime

from msgspec.structs import replace

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import DriftPolicy
from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.plan import Assessment, State
from reconciler.model.proof import Evidence
from reconciler.plan.case import Case
from reconciler.plan.endings import Ending, lapses_at
from reconciler.plan.health import with_health
from reconciler.plan.records import matches
from reconciler.plan.unread import is_understood, not_understood
from reconciler.plan.wants import (
    Verdict,
    assess,
    converged,
    has_drifted,
    install,
    pending,
    wish,
    with_probe,
)


def judge(case: Case) -> Verdict:
    """Return the verdict on one host; the same case always gets the same one."""
    last, ended = case.install, case.install_ending
    if case.unread_at is not None and not is_understood(case, case.unread_at):
        return not_understood(case, case.unread_at)
    if last is not None and ended is None:
        return _in_flight(case, last)
    if ended is not None and ended.failure is not None and case.is_ours:
        return _after_failure(case, ended, ended.failure)
    return _by_evidence(case)


def _in_flight(case: Case, last: Attempt) -> Verdict:
    if last.started_at is not None:
        state, message = State.RUNNING, f"{last.job} {last.version} is running"
    elif last.sent_at is not None:
        state, message = State.DISPATCHED, f"{last.job} {last.version} is on its way"
    else:
        state, message = State.DISPATCHED, f"{last.job} {last.version} is about to be sent"
    view = assess(case, state, "InFlight", message)
    return Verdict(assessment=view, recheck_at=lapses_at(last, case.terms))


def _by_evidence(case: Case) -> Verdict:
    latest = case.latest
    if latest is None:
        return _without_evidence(case)
    if case.changed_at is not None and latest.last_at < case.changed_at:
        return _another_system(case)
    if not case.wants(latest):
        return _contrary(case, latest)
    ended = case.install_ending
    if ended is not None and not case.is_ours and latest.last_at < ended.at:
        return _outdated(case, ended)
    return with_health(case, _confirmed(case, latest))


def _confirmed(case: Case, latest: Evidence) -> Verdict:
    probe = case.release.verify.probe
    if probe is None:
        return Verdict(assessment=converged(case, latest, "by its result"))
    if case.proof is None or latest is not case.proof.by_probe:
        view = assess(
            case, State.VERIFYING, "ProvedByResult", "its result says so; the probe has yet to"
        )
        return with_probe(case, view, reason="VerifyInstall")
    view = converged(case, latest, "by its probe")
    soaked_at = latest.first_at + case.release.rollout.soak
    soaks = case.is_ours and latest.last_at < soaked_at
    due = latest.last_at + probe.every
    if soaks and soaked_at <= case.now:
        return with_probe(case, view, reason="SoakEnds")
    if case.now < due:
        return Verdict(assessment=view, recheck_at=min(due, soaked_at) if soaks else due)
    return with_probe(case, view, reason="ProbeDue")


def _without_evidence(case: Case) -> Verdict:
    if case.release.verify.probe is not None:
        view = assess(case, State.UNKNOWN, "NoEvidence", "nobody knows what it runs")
        return with_probe(case, view, reason="NoEvidence")
    message = "nobody knows what it runs, and the release has no probe job"
    view = assess(case, State.UNKNOWN, "NoEvidence", message)
    if not case.approved:
        return Verdict(assessment=view)
    return pending(view, install(case, "", "NoEvidence", "approved without evidence"))


def _another_system(case: Case) -> Verdict:
    """What is known is of a machine, or a system on it, that is not there any more."""
    if case.release.verify.probe is None:
        return _without_evidence(case)
    message = "another system answers to this pc id than before: what it runs is not known"
    view = assess(case, State.UNKNOWN, "HostChanged", message)
    return with_probe(case, view, reason="HostChanged")


def _outdated(case: Case, ended: Ending) -> Verdict:
    """An install of something else has ended since the host was seen to be as is wanted now."""
    message = f"what it ran was seen before {_name(case.install)} ended there"
    if case.release.verify.probe is not None:
        view = assess(case, State.VERIFYING, "NoEvidence", message)
        return with_probe(case, view, reason="AfterFailure")
    view = assess(case, State.PENDING, "NoEvidence", message)
    return pending(view, install(case, ended.id, "NoEvidence", message))


def _name(attempt: Attempt | None) -> str:
    return f"{attempt.job} {attempt.version}" if attempt is not None else "an install"


def _contrary(case: Case, evidence: Evidence) -> Verdict:
    drifted = has_drifted(case)
    reason, message = _difference(case, evidence, drifted=drifted)
    view = assess(case, State.PENDING, reason, message)
    if drifted and case.release.drift is DriftPolicy.REPORT:
        return Verdict(assessment=view, held="the release reports drift and does not heal it")
    if _has_gone_back(case, evidence):
        return Verdict(assessment=_gone_back(view, evidence))
    cause = _cause(case, evidence)
    if _is_refuted(case, evidence, cause):
        return Verdict(assessment=_refuted(view))
    want = install(case, cause, reason, message)
    return _heal(case, view, want.heals + 1, cause) if drifted else pending(view, want)


def _heal(case: Case, view: Assessment, heals: int, cause: str) -> Verdict:
    """Put drift right at once the first time, and with more patience each further time."""
    ended = case.install_ending
    if heals > 1 and ended is not None:
        due = ended.at + case.terms.wait_after(heals - 1)
        if case.now < due:
            message = f"{view.message}; put right {heals - 1} times, again at {due:%H:%M:%S} UTC"
            return Verdict(assessment=replace(view, message=message), recheck_at=due)
    want = install(case, cause, view.reason, view.message)
    return pending(view, want.__replace__(heals=heals))


def _has_gone_back(case: Case, evidence: Evidence) -> bool:
    """True when an install went well, and before its soak was over the host ran its old version.

    That is a host's own doing, such as kanade's boot sentinel: it is not fought. The probe that
    ends a soak comes later than that, so what counts is until when all was seen to be well.
    """
    ended, before = case.install_ending, case.before
    if ended is None or ended.failure is not None or before is None or not case.is_ours:
        return False
    if case.retry is not None and case.retry.at > evidence.last_at:
        return False
    soaked_at = ended.at + case.release.rollout.soak
    well_until = min(evidence.first_at, evidence.before_at or evidence.first_at)
    is_within = well_until <= soaked_at and ended.at < evidence.last_at
    return is_within and evidence.digest is not None and matches(before, evidence)


def _gone_back(view: Assessment, evidence: Evidence) -> Assessment:
    failure = Failure(
        kind=FailureClass.ROLLED_BACK_BY_HOST,
        cause=f"the install went well, and then the host went back to {evidence.version} by itself",
        fix="read the service's log on the host: it did not stay up; then commit a version that "
        "does",
        next=Next.ROLL_BACK,
        install_intact=True,
    )
    return _failed(view, failure)


def _cause(case: Case, evidence: Evidence) -> str:
    """Name the newest settled fact that makes an install necessary."""
    facts: list[tuple[datetime, str]] = [(evidence.first_at, evidence.id)]
    if case.retry is not None:
        facts.append((case.retry.at, case.retry.id))
    if case.unread_at is not None:
        facts.append((case.unread_at, f"unread@{case.unread_at.isoformat()}"))
    ended = case.install_ending
    if ended is not None and ended.failure is not None:
        facts.append((ended.at, ended.id))
    return max(facts)[1]


def _difference(case: Case, evidence: Evidence, *, drifted: bool) -> tuple[str, str]:
    release = case.release
    if evidence.version is None:
        return "PackageAbsent", f"{release.package} is not installed there"
    if not evidence.running:
        return "NotRunning", f"{release.package} {evidence.version} does not run"
    if evidence.version != release.version:
        reason = "DriftDetected" if drifted else "VersionDiffers"
        return reason, f"runs {evidence.version}, wanted is {release.version}"
    found = evidence.digest.short if evidence.digest is not None else "unknown"
    wanted = release.artifact.digest.short
    reason = "DriftDetected" if drifted else "DigestDiffers"
    return reason, f"runs other bytes of {evidence.version}: sha256 {found}, wanted is {wanted}"


def _is_refuted(case: Case, evidence: Evidence, cause: str) -> bool:
    """True when our install reported success, and no new fact asks for another one since.

    New are a person's retry, another system on the host, and drift from what was seen to be right
    after the install. That the host was never probed before it is no such fact. The same wish is
    never made twice.
    """
    last, ended = case.install, case.install_ending
    if last is None or ended is None or not case.is_ours:
        return False
    was_right_at = evidence.before_at if evidence.before == case.release.version else None
    asked_at = case.retry.at if case.retry is not None else None
    facts = (was_right_at, asked_at, case.changed_at)
    is_new = any(at is not None and at >= ended.at for at in facts)
    return not is_new or wish(case, Purpose.INSTALL, cause) == last.wish


def _refuted(view: Assessment) -> Assessment:
    """The install reported success, and the host still runs what it ran before."""
    failure = Failure(
        kind=FailureClass.UNPROVED,
        cause=f"the script reported success, but the host {view.message}",
        fix="read the result and the script",
        next=Next.ROLL_BACK,
        install_intact=False,
    )
    return _failed(view, failure)


def _failed(view: Assessment, failure: Failure) -> Assessment:
    return replace(
        view, state=State.FAILED, reason=str(failure.kind), message=failure.cause, failure=failure
    )


def _after_failure(case: Case, ended: Ending, failure: Failure) -> Verdict:
    seen, latest = case.proof.by_probe if case.proof is not None else None, case.latest
    # It lapses by our clock, and what is seen since is dated by the server's.
    since = ended.at - case.terms.clock_skew if ended.lapsed else ended.at
    looked = seen is not None and seen.last_at > since
    if latest is not None and latest.last_at > since and case.wants(latest):
        return _by_evidence(case)
    state = (
        State.TIMED_OUT if ended.lapsed or failure.kind is FailureClass.TIMEOUT else State.FAILED
    )
    view = replace(assess(case, state, str(failure.kind), failure.cause), failure=failure)
    if case.release.verify.probe is not None and not looked:
        return with_probe(case, view, reason="AfterFailure")
    if case.retry is not None and case.retry.at > ended.at:
        message = f"{case.retry.by} asked for another try"
        return pending(view, install(case, case.retry.id, "Retry", message))
    return _again(case, ended, view, failure)


def _again(case: Case, ended: Ending, view: Assessment, failure: Failure) -> Verdict:
    number = case.install.number if case.install is not None else 1
    if number >= _limit(case, failure):
        return Verdict(assessment=view)
    due = ended.at + case.terms.wait_after(number)
    if case.now < due:
        message = f"{view.message}; attempt {number + 1} at {due:%H:%M:%S} UTC"
        return Verdict(
            assessment=replace(view, state=State.PENDING, message=message), recheck_at=due
        )
    message = f"attempt {number + 1}: {failure.cause}"
    return pending(view, install(case, ended.id, str(failure.kind), message, number + 1))


def _limit(case: Case, failure: Failure) -> int:
    """Return how many attempts the fingerprint has on the host, this failure being the last."""
    release, terms = case.release, case.terms
    match failure.next:
        case Next.STOP | Next.ROLL_BACK:
            return 0
        case Next.RETRY:
            return terms.tries
        case Next.PROBE:
            return terms.tries if release.verify.probe is not None else 0
        case Next.WAIT | Next.REPUBLISH:
            return terms.resends
        case Next.UPGRADE_AGENT:
            return terms.tries if release.upgrade_agent is not None else 0
