"""What a release asks for now, host by host: git's version, or what it goes back to.

Git keeps saying the new version while it is quarantined, and nothing fights: every part of the
plan works with the course that is in force, as if git asked for that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import OnFailure, Release, Wave
from reconciler.model.identity import Fingerprint, HostName
from reconciler.model.observed import Observed, Return
from reconciler.model.plan import Deferred
from reconciler.model.proof import Evidence
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.plan.records import matches, release_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A release as it is in force for some of its hosts."""

    release: Release
    hosts: tuple[HostName, ...]
    goes_back: bool = False
    """It is a kept record, not git's version."""
    stands_still: bool = False
    """There is nothing to go back to: these hosts are probed and left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """All of them; more than one only where hosts go back to different records."""

    parts: tuple[Course, ...]
    why: Deferred | None = None
    """Why git's version is not in force."""


def courses_of(release: Release, hosts: tuple[HostName, ...], observed: Observed) -> Courses:
    """Return what *hosts* are to run; in order, so that one version of a job is in force."""
    request = return_in_force(release, observed)
    bad = quarantine_in_force(release, observed)
    if request is None and bad is None:
        return Courses(parts=(Course(release=release, hosts=hosts),))
    if request is None and bad is not None and not bad.readable:
        still = Course(release=release, hosts=hosts, stands_still=True)
        return Courses(parts=(still,), why=_why(release, None, bad, [], observed))
    kept = good_records(release, observed)
    if request is not None and request.to is not None:
        kept = tuple(record for record in kept if record.version == request.to)
        chosen = dict.fromkeys(hosts, kept[0] if kept else None)
    else:
        chosen = {host: last_good(release, host, observed, kept) for host in hosts}
    parts = [
        Course(
            release=_on_the_way_back(release_of(record, release)),
            hosts=tuple(host for host, found in chosen.items() if found is record),
            goes_back=True,
        )
        for record in kept
        if any(found is record for found in chosen.values())
    ]
    stranded = tuple(host for host, found in chosen.items() if found is None)
    if stranded or not parts:
        parts.append(Course(release=release, hosts=stranded, stands_still=True))
    return Courses(parts=tuple(parts), why=_why(release, request, bad, parts, observed))


def variants(release: Release, observed: Observed) -> Iterable[Release]:
    """Yield everything that *release* may ask of a host now, git's version first."""
    yield release
    if return_in_force(release, observed) or quarantine_in_force(release, observed):
        for record in good_records(release, observed):
            yield _on_the_way_back(release_of(record, release))


def return_in_force(release: Release, observed: Observed) -> Return | None:
    """Return the request to roll *release* back, if it was made for what git asks for now."""
    request = observed.requests.returns.get(release.name)
    matches = request is not None and request.fingerprint == release.fingerprint
    return request if matches else None


def quarantine_in_force(release: Release, observed: Observed) -> Quarantine | None:
    """Return why *release* is not to be tried again, unless a person has asked for it since."""
    found = observed.quarantine.get((release.name, release.fingerprint))
    retry = observed.requests.retries.get(release.name)
    lifted = found is not None and retry is not None and retry.at > found.at
    return None if lifted else found


def good_records(release: Release, observed: Observed) -> tuple[ReleaseRecord, ...]:
    """Return what *release* may go back to, the newest first."""
    found = [
        record
        for (name, fingerprint), record in observed.records.items()
        if name == release.name
        and fingerprint != release.fingerprint
        and (name, fingerprint) not in observed.quarantine
        and record.version not in release.yanked
    ]
    return tuple(sorted(found, key=lambda record: record.at, reverse=True))


def last_good(
    release: Release, host: HostName, observed: Observed, kept: Iterable[ReleaseRecord]
) -> ReleaseRecord | None:
    """Return which of the *kept* records *host* was last proved to run; `None` for no such.

    A host that the release has touched knows it from its attempt; any other shows it.
    """
    by_fingerprint: Mapping[Fingerprint | None, ReleaseRecord] = {
        record.fingerprint: record for record in kept
    }
    install = observed.attempts.get((release.name, host, Purpose.INSTALL))
    if install is not None and install.wish.fingerprint == release.fingerprint:
        return by_fingerprint.get(install.returns_to)
    proof = observed.proofs.get((release.package, host))
    latest = proof.latest if proof is not None else None
    shown = (record for record in by_fingerprint.values() if latest and matches(record, latest))
    return next(shown, None) or by_fingerprint.get(_installed(install, latest))


def _installed(install: Attempt | None, latest: Evidence | None) -> Fingerprint | None:
    """Return what *install* was of; where that never came to run there, what ran before it."""
    if install is None:
        return None
    came_to_run = install.outcome is None or (
        install.outcome.succeeded
        and (
            latest is None
            or latest.last_at <= install.outcome.at
            or install.version in (latest.version, latest.before)
        )
    )
    return install.wish.fingerprint if came_to_run else install.returns_to


def _on_the_way_back(release: Release) -> Release:
    """Everybody at once, as fast as the release allows going back, and never any further back."""
    rollout = release.rollout
    return replace(
        release,
        allow_downgrade=True,
        rollout=replace(
            rollout,
            waves=(Wave(name="back", percent=100),),
            max_in_flight=rollout.rollback_max_in_flight or rollout.max_in_flight,
            max_failures_percent=100,
            soak=timedelta(0),
            on_failure=OnFailure.HOLD,
            progress_deadline=None,
        ),
    )


def _why(
    release: Release,
    request: Return | None,
    bad: Quarantine | None,
    parts: list[Course],
    observed: Observed,
) -> Deferred:
    back = ", ".join(course.release.version for course in parts if course.goes_back)
    target = f"goes back to {back}" if back else "no earlier release of it is kept to go back to"
    reason, message = "RolledBack", f"{release.version} {target}"
    if request is not None:
        message += f", by {request.by}: {request.reason}; a new commit ends it, or: "
        message += f"reconciler resume {release.name}"
    elif bad is not None:
        reason = "Quarantined"
        what = "; ".join(part for part in (bad.message, bad.fix) if part)
        why = f"{target}; {bad.host}: {bad.reason}: {what}" if bad.readable else what
        message = (
            f"{release.version} is quarantined, {why}; "
            f"commit another version, or: reconciler retry {release.name}{_offered(bad, observed)}"
        )
    return Deferred(release=release.name, reason=reason, message=message, needs_person=True)


def _offered(bad: Quarantine, observed: Observed) -> str:
    offer = observed.offers.get((bad.release, bad.fingerprint))
    if offer is None:
        return ""
    if offer.commit is None:
        return f"; no revert could be offered: {offer.refusal}"
    return f"; or merge {offer.branch}, which reverts it to {offer.to}"
