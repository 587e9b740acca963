"""Everything that is known of one release on one host, and what may be concluded from it."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Release
from reconciler.model.identity import HostName
from reconciler.model.observed import UNSEEN, Health, Observed, Retry
from reconciler.model.proof import Evidence, Proof
from reconciler.model.record import ReleaseRecord
from reconciler.plan.approval import approvers_of
from reconciler.plan.endings import Ending, ending
from reconciler.plan.terms import Terms


class Case(Struct, frozen=True, kw_only=True):
    """One host, seen by one release, at one moment; a struct, because there are so many."""

    release: Release
    host: HostName
    proof: Proof | None
    install: Attempt | None
    probe: Attempt | None
    unread_at: datetime | None
    """When the last install was written down, where its entry in the journal cannot be read."""
    before: ReleaseRecord | None
    """What the host was proved to run before the last install."""
    health: Health | None
    retry: Retry | None
    approved: bool
    """Some person agrees to the release, even to installing it where nothing is known."""
    changed_at: datetime | None
    """When another machine or system was first heard under the host's name."""
    now: datetime
    terms: Terms

    @property
    def latest(self) -> Evidence | None:
        """The newest evidence of what the host runs."""
        return self.proof.latest if self.proof is not None else None

    @property
    def install_ending(self) -> Ending | None:
        """How the last install ended; `None` when there is none or it is in flight."""
        return ending(self.install, self.now, self.terms) if self.install is not None else None

    @property
    def probe_ending(self) -> Ending | None:
        """How the last probe ended; `None` when there is none or it is in flight."""
        return ending(self.probe, self.now, self.terms) if self.probe is not None else None

    @property
    def is_ours(self) -> bool:
        """True when the last install was for the very fingerprint that is wanted."""
        return (
            self.install is not None and self.install.wish.fingerprint == self.release.fingerprint
        )

    def wants(self, evidence: Evidence) -> bool:
        """True when *evidence* shows what the release asks for, running.

        The bytes decide where a probe has seen them; a result can only name the version.
        """
        if not evidence.running:
            return False
        if evidence.digest is not None:
            return evidence.digest == self.release.artifact.digest
        return evidence.version == self.release.version


def cases_of(
    release: Release, hosts: Iterable[HostName], observed: Observed, now: datetime, terms: Terms
) -> Iterator[Case]:
    """Gather what *observed* knows of *release* on each of *hosts*."""
    retry = observed.requests.retries.get(release.name)
    approved = bool(approvers_of(release, observed, now))
    name, package, attempts = release.name, release.package, observed.attempts
    for host in hosts:
        install = attempts.get((name, host, Purpose.INSTALL))
        back = install.returns_to if install is not None else None
        yield Case(
            release=release,
            host=host,
            proof=observed.proofs.get((package, host)),
            install=install,
            probe=attempts.get((name, host, Purpose.PROBE)),
            unread_at=observed.unread_installs.get((name, host)),
            before=observed.records.get((name, back)) if back is not None else None,
            health=observed.health.get((name, host)) if release.verify.http else None,
            retry=retry,
            approved=approved,
            changed_at=observed.hosts.get(host, UNSEEN).changed_at,
            now=now,
            terms=terms,
        )
