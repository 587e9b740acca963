"""Everything that is known of one release on one host, and what may be concluded from it."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Release
from reconciler.model.identity import HostName
from reconciler.model.observed import UNSEEN, HostState, Observed, Retry
from reconciler.model.proof import Evidence, Proof
from reconciler.plan.endings import Ending, ending
from reconciler.plan.gates import approvers_of
from reconciler.plan.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One host, seen by one release, at one moment."""

    release: Release
    host: HostName
    state: HostState
    proof: Proof | None
    install: Attempt | None
    probe: Attempt | None
    retry: Retry | None
    may_assume_nothing: bool
    """A person has approved that a host of which nothing is known is installed all the same."""
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


def case_of(
    release: Release, host: HostName, observed: Observed, now: datetime, terms: Terms
) -> Case:
    """Gather what *observed* knows of *release* on *host*."""
    requests = observed.requests
    return Case(
        release=release,
        host=host,
        state=observed.hosts.get(host, UNSEEN),
        proof=observed.proofs.get((release.package, host)),
        install=observed.attempts.get((release.name, host, Purpose.INSTALL)),
        probe=observed.attempts.get((release.name, host, Purpose.PROBE)),
        retry=requests.retries.get(release.name),
        may_assume_nothing=bool(approvers_of(release, observed, now)),
        now=now,
        terms=terms,
    )
