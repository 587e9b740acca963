"""What is to be done with one host: the heart of the planner.

The rule behind all of it: only contrary evidence leads to an install, missing evidence leads to
a probe, and an install that has failed is repeated only when a new fact asks for it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.attempt import Purpose, Wish
from reconciler.model.desired import DriftPolicy
from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.plan import Assessment, State
from reconciler.model.proof import Evidence
from reconciler.plan.case import Case
from reconciler.plan.endings import Ending, lapses_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A command that should go to the host, as soon as every gate is open."""

    wish: Wish
    number: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where the host stands, what it needs, and when to look again."""

    assessment: Assessment
    want: Want | None = None
    held: str = ""
    """Why a host that differs is left as it is: the release says so."""
    look_at: datetime | None = None


def judge(case: Case) -> Verdict:
    """Return the verdict on one host; the same case always gets the same one."""
    install, ended = case.install, case.install_ending
    if install is not None and ended is None:
        return _in_flight(case)
    if ended is not None and ended.failure is not None and case.is_ours:
        return _after_failure(case, ended, ended.failure)
    return _by_evidence(case)


def _in_flight(case: Case) -> Verdict:
    install = case.install
    if install is None:
        raise AssertionError("an install in flight is an install")
    if install.started_at is not None:
        state, message = State.RUNNING, f"{install.job} {install.version} is running"
    elif install.sent_at is not None:
        state, message = State.DISPATCHED, f"{install.job} {install.version} is on its way"
    else:
        state, message = State.DISPATCHED, f"{install.job} {install.version} is about to be sent"
    view = _assess(case, state, "InFlight", message)
    return Verdict(assessment=view, look_at=lapses_at(install, case.terms))


def _by_evidence(case: Case) -> Verdict:
    latest = case.latest
    if latest is None:
        return _without_evidence(case)
    if not case.wants(latest):
        return _contrary(case, latest)
    probe = case.release.verify.probe
    if probe is None:
        return Verdict(assessment=_converged(case, latest, "by its result"))
    if case.proof is None or latest is not case.proof.by_probe:
        view = _assess(
            case, State.VERIFYING, "ProvedByResult", "its result says so; the probe has yet to"
        )
        return _with_probe(case, view, reason="VerifyInstall")
    view = _converged(case, latest, "by its probe")
    due = latest.last_at + probe.every
    if case.now < due:
        return Verdict(assessment=view, look_at=due)
    return _with_probe(case, view, reason="ProbeDue")


def _without_evidence(case: Case) -> Verdict:
    if case.release.verify.probe is not None:
        view = _assess(case, State.UNKNOWN, "NoEvidence", "nobody knows what it runs")
        return _with_probe(case, view, reason="NoEvidence")
    message = "nobody knows what it runs, and the release has no probe job"
    view = _assess(case, State.UNKNOWN, "NoEvidence", message)
    if not case.may_assume_nothing:
        return Verdict(assessment=view)
    return _pending(view, _want(case, "", "NoEvidence", "approved without evidence"))


def _contrary(case: Case, evidence: Evidence) -> Verdict:
    drifted = _has_drifted(case)
    reason, message = _difference(case, evidence, drifted=drifted)
    view = _assess(case, State.PENDING, reason, message)
    if drifted and case.release.drift is DriftPolicy.REPORT:
        return Verdict(assessment=view, held="the release reports drift and does not heal it")
    cause = _cause(case, evidence)
    if case.install is not None and _wish(case, Purpose.INSTALL, cause) == case.install.wish:
        return Verdict(assessment=_refuted(view, case))
    return _pending(view, _want(case, cause, reason, message))


def _has_drifted(case: Case) -> bool:
    """True from when a host that was as wanted is seen to have changed, until it is right again."""
    latest = case.latest
    return (
        latest is not None
        and not case.wants(latest)
        and latest.before == case.release.version
        and (case.install is None or case.is_ours)
    )


def _cause(case: Case, evidence: Evidence) -> str:
    """Name the newest settled fact that makes an install necessary."""
    facts: list[tuple[datetime, str]] = [(evidence.first_at, evidence.id)]
    if case.retry is not None:
        facts.append((case.retry.at, case.retry.id))
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


def _refuted(view: Assessment, case: Case) -> Assessment:
    """The install said that all went well, and the host still runs what it ran before."""
    failure = Failure(
        kind=FailureClass.UNPROVED,
        cause=f"the script reported success, but the host {view.message}",
        fix=f"read the result and the script, then: reconciler retry {case.release.name}",
        next=Next.HOLD,
        install_intact=False,
    )
    return replace(
        view, state=State.FAILED, reason=str(failure.kind), message=failure.cause, failure=failure
    )


def _after_failure(case: Case, ended: Ending, failure: Failure) -> Verdict:
    seen = case.proof.by_probe if case.proof is not None else None
    looked = seen is not None and seen.last_at > ended.at
    if seen is not None and looked and case.wants(seen):
        return _by_evidence(case)
    state = (
        State.TIMED_OUT if ended.lapsed or failure.kind is FailureClass.TIMEOUT else State.FAILED
    )
    view = replace(_assess(case, state, str(failure.kind), failure.cause), failure=failure)
    if case.release.verify.probe is not None and not looked:
        return _with_probe(case, view, reason="AfterFailure")
    if case.retry is not None and case.retry.at > ended.at:
        message = f"{case.retry.by} asked for another try"
        return _pending(view, _want(case, case.retry.id, "Retry", message))
    return _again(case, ended, view, failure)


def _again(case: Case, ended: Ending, view: Assessment, failure: Failure) -> Verdict:
    number = case.install.number if case.install is not None else 1
    limit = {
        Next.HOLD: 0,
        Next.RETRY: case.terms.tries,
        Next.PROBE: case.terms.tries if case.release.verify.probe is not None else 0,
        Next.RESEND: case.terms.resends,
    }[failure.next]
    if number >= limit:
        return Verdict(assessment=view)
    due = ended.at + case.terms.wait_after(number)
    if case.now < due:
        message = f"{view.message}; attempt {number + 1} at {due:%H:%M:%S} UTC"
        return Verdict(assessment=replace(view, state=State.PENDING, message=message), look_at=due)
    message = f"attempt {number + 1}: {failure.cause}"
    return _pending(view, _want(case, ended.id, str(failure.kind), message, number + 1))


def _pending(view: Assessment, want: Want) -> Verdict:
    return Verdict(assessment=replace(view, state=State.PENDING), want=want)


def _want(case: Case, cause: str, reason: str, message: str, number: int = 1) -> Want:
    wish = _wish(case, Purpose.INSTALL, cause)
    return Want(wish=wish, number=number, reason=reason, message=message)


def _with_probe(case: Case, view: Assessment, *, reason: str) -> Verdict:
    """Ask the probe, unless it is being asked already, or has failed a moment ago."""
    probe, ended = case.probe, case.probe_ending
    if probe is not None and ended is None:
        return Verdict(assessment=view, look_at=lapses_at(probe, case.terms))
    number = 1
    if probe is not None and ended is not None and ended.failure is not None:
        number = probe.number + 1
        due = ended.at + case.terms.wait_after(probe.number)
        if case.now < due:
            return Verdict(assessment=view, look_at=due)
    want = Want(
        wish=_wish(case, Purpose.PROBE, _newest_fact(case)),
        number=number,
        reason=reason,
        message=_PROBE_MESSAGES[reason],
    )
    return Verdict(assessment=view, want=want)


_PROBE_MESSAGES = {
    "AfterFailure": "see what the failed install has left behind",
    "NoEvidence": "find out what it runs",
    "ProbeDue": "look again, as often as the release asks",
    "VerifyInstall": "prove what runs after the install",
}


def _newest_fact(case: Case) -> str:
    """Name the newest thing that is known, so that each look has a cause of its own."""
    facts = [
        (ended.at, ended.id)
        for ended in (case.install_ending, case.probe_ending)
        if ended is not None
    ]
    if case.latest is not None:
        facts.append((case.latest.last_at, f"{case.latest.id}@{case.latest.last_at.isoformat()}"))
    return max(facts)[1] if facts else ""


def _wish(case: Case, purpose: Purpose, cause: str) -> Wish:
    return Wish(
        release=case.release.name,
        host=case.host,
        fingerprint=case.release.fingerprint,
        purpose=purpose,
        cause=cause,
    )


def _converged(case: Case, evidence: Evidence, proved: str) -> Assessment:
    message = f"runs {evidence.version}, proved {proved}"
    view = _assess(case, State.CONVERGED, "Proved", message)
    return replace(view, proved_at=evidence.last_at, healthy_since=evidence.first_at)


def _assess(case: Case, state: State, reason: str, message: str) -> Assessment:
    latest = case.latest
    return Assessment(
        host=case.host,
        state=state,
        reason=reason,
        message=message,
        install=case.install,
        probe=case.probe,
        running=latest.version if latest is not None else None,
        running_digest=latest.digest if latest is not None else None,
        drifted=_has_drifted(case),
    )
