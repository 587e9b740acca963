"""Release records that nothing goes back to any more."""

from collections import defaultdict
from collections.abc import Mapping

from reconciler.model.action import ForgetRecord
from reconciler.model.desired import Desired
from reconciler.model.identity import Fingerprint, ObjectRef, ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.plan import Step
from reconciler.model.record import ReleaseRecord
from reconciler.plan.needs import shown_by

DEFAULT_KEEP = 3
"""How many older versions of a deleted release are kept: the schema's default for any other."""

Stale = Mapping[tuple[ReleaseName, Fingerprint], ReleaseRecord]


def stale_records(desired: Desired, observed: Observed) -> Stale:
    """Return the records beyond the newest ones that no host and no person refers to."""
    keep = {release.name: release.keep_versions for release in desired.releases}
    current = {(release.name, release.fingerprint) for release in desired.releases}
    by_release: dict[ReleaseName, list[ReleaseRecord]] = defaultdict(list)
    for key, record in observed.records.items():
        if key not in current:
            by_release[record.release].append(record)
    old: list[ReleaseRecord] = []
    for name, records in by_release.items():
        records.sort(key=lambda record: (record.at, record.fingerprint), reverse=True)
        old += records[keep.get(name, DEFAULT_KEEP) :]
    if not old:
        return {}
    shown, returns = shown_by(observed), observed.requests.returns
    return {
        (record.release, record.fingerprint): record
        for record in old
        if record.fingerprint not in shown.fingerprints
        and record.digest.hex not in shown.digests
        and ObjectRef(record.package, record.version) not in shown.packages
        and (record.release not in returns or returns[record.release].to != record.version)
    }


def forget(record: ReleaseRecord) -> Step:
    """Return the step that drops *record*."""
    return Step(
        action=ForgetRecord(
            release=record.release, version=record.version, fingerprint=record.fingerprint
        ),
        release=None,
        reason="Superseded",
        message="newer ones are kept, no host has run it last, and nothing goes back to it",
    )
