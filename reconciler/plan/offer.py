"""A way out of git for what is quarantined: offered once, as a branch that people may merge."""

from reconciler.model.action import OfferRevert
from reconciler.model.desired import Release
from reconciler.model.identity import ObjectRef
from reconciler.model.observed import Observed
from reconciler.model.plan import Step
from reconciler.model.record import ReleaseRecord
from reconciler.model.revert import RevertOffer
from reconciler.plan.courses import good_records, quarantine_in_force
from reconciler.plan.terms import Terms


def plan_offer(release: Release, observed: Observed, terms: Terms) -> Step | None:
    """Return the step that offers to take git back to what was proved last.

    `None` where version and sha256 alone would not: it was another package then, or the same
    bytes, and something else is what failed.
    """
    bad = quarantine_in_force(release, observed)
    asked = (release.name, release.fingerprint) in observed.offers
    if not terms.offer_revert or bad is None or not bad.readable or asked:
        return None
    record = next(iter(good_records(release, observed)), None)
    if record is None or not _is_elsewhere(record, release):
        return None
    stored = observed.packages.get(ObjectRef(record.package, record.version))
    return Step(
        action=OfferRevert(
            release=release,
            quarantine=bad,
            back_to=record,
            is_stored=stored is not None and stored.digest == record.digest,
        ),
        release=release.name,
        reason="Quarantined",
        message=f"git still asks for {release.version}, which has failed on {bad.host}",
    )


def offer_in_force(release: Release, observed: Observed) -> RevertOffer | None:
    """Return the result of the offer, for as long as what it reverts is quarantined."""
    bad = quarantine_in_force(release, observed)
    return observed.offers.get((bad.release, bad.fingerprint)) if bad is not None else None


def _is_elsewhere(record: ReleaseRecord, release: Release) -> bool:
    then, now = (record.version, record.digest), (release.version, release.artifact.digest)
    return record.package == release.package and then != now
