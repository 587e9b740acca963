"""What a host needs next, as a wish with its cause; gates and turns are none of its business."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.attempt import Purpose, Wish
from reconciler.model.plan import Assessment, State
from reconciler.model.proof import Evidence
from reconciler.plan.case import Case
from reconciler.plan.endings import lapses_at


class Want(Struct, frozen=True, kw_only=True):
    """A command that should go to the host, as soon as every gate is open."""

    wish: Wish
    number: int
    reason: str
    message: str
    heals: int = 0
    """Counts the times that drift has been put right there, this one included."""


class Verdict(Struct, frozen=True, kw_only=True):
    """Where the host stands, what it needs, and when to check again."""

    assessment: Assessment
    want: Want | None = None
    held: str = ""
    """Why a host that differs is left as it is: the release says so."""
    recheck_at: datetime | None = None


def assess(case: Case, state: State, reason: str, message: str) -> Assessment:
    """Return where the host stands, with all that this rests on."""
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
        drifted=has_drifted(case),
        wanted=case.release.version,
    )


def has_drifted(case: Case) -> bool:
    """True from when a host that was as wanted is seen to have changed, until it is right again."""
    latest = case.latest
    return (
        latest is not None
        and not case.wants(latest)
        and latest.before == case.release.version
        and (case.install is None or case.is_ours)
    )


def converged(case: Case, evidence: Evidence, proved: str) -> Assessment:
    """Return that the host runs what is wanted, as *evidence* shows."""
    message = f"runs {evidence.version}, proved {proved}"
    view = assess(case, State.CONVERGED, "Proved", message)
    return replace(view, proved_at=evidence.last_at, healthy_since=evidence.first_at)


def pending(view: Assessment, want: Want) -> Verdict:
    """Return that the host waits for *want*."""
    return Verdict(assessment=replace(view, state=State.PENDING), want=want)


def wish(case: Case, purpose: Purpose, cause: str) -> Wish:
    """Return the name of what is wanted of the host, and why."""
    return Wish(
        release=case.release.name,
        host=case.host,
        fingerprint=case.release.fingerprint,
        purpose=purpose,
        cause=cause,
    )


def install(case: Case, cause: str, reason: str, message: str, number: int = 1) -> Want:
    """Return that the host should be sent the release's job, because of the fact *cause*."""
    heals = case.install.heals if case.install is not None and case.is_ours else 0
    return Want(
        wish=wish(case, Purpose.INSTALL, cause),
        number=number,
        reason=reason,
        message=message,
        heals=heals,
    )


def with_probe(case: Case, view: Assessment, *, reason: str) -> Verdict:
    """Ask the probe, unless it is being asked already, or has failed a moment ago."""
    probe, ended = case.probe, case.probe_ending
    if probe is not None and ended is None:
        return Verdict(assessment=view, recheck_at=lapses_at(probe, case.terms))
    number = 1
    if probe is not None and ended is not None and ended.failure is not None:
        number = probe.number + 1
        due = ended.at + case.terms.wait_after(probe.number)
        if case.now < due:
            return Verdict(assessment=view, recheck_at=due)
    want = Want(
        wish=wish(case, Purpose.PROBE, _newest_fact(case)),
        number=number,
        reason=reason,
        message=_PROBE_MESSAGES[reason],
    )
    return Verdict(assessment=view, want=want)


_PROBE_MESSAGES = {
    "AfterFailure": "see what the failed install has left behind",
    "HostChanged": "find out what it runs now",
    "JournalUnreadable": "find out what the last install has left behind",
    "NoEvidence": "find out what it runs",
    "ProbeDue": "probe again, as often as the release asks",
    "SoakEnds": "see that it has been healthy for the whole soak",
    "VerifyInstall": "prove what runs after the install",
}


def _newest_fact(case: Case) -> str:
    """Name the newest thing that is known, so that each probe has a cause of its own."""
    if case.install is None and case.probe is None and case.latest is None:
        return ""  # of a large new fleet, most
    facts = [
        (ended.at, ended.id)
        for ended in (case.install_ending, case.probe_ending)
        if ended is not None
    ]
    if case.latest is not None:
        facts.append((case.latest.last_at, f"{case.latest.id}@{case.latest.last_at.isoformat()}"))
    return max(facts)[1] if facts else ""
