"""What must stay in kanade, and in our own memory: wanted, running, last sent, or gone back to.

A host of which nothing is proved may run what it was last sent, so that stays, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.attempt import Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import Fingerprint, Json, ObjectRef, ReleaseName, Version
from reconciler.model.observed import Observed
from reconciler.plan.courses import variants
from reconciler.plan.inventory import OwnedVersion, plain_version
from reconciler.plan.publish import package_of, script_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The names, versions and bytes that somebody needs."""

    packages: frozenset[ObjectRef]
    scripts: frozenset[ObjectRef]
    versions: frozenset[tuple[ReleaseName, Version]]
    digests: frozenset[str]
    """As 64 hex digits."""

    def hold_script(self, ref: ObjectRef, observed: Observed) -> bool:
        """True when the script itself is named, by its key or by its bytes."""
        stored = observed.scripts.get(ref)
        digest = stored.digest if stored is not None else None
        return ref in self.scripts or (digest is not None and digest.hex in self.digests)

    def hold(self, version: OwnedVersion, observed: Observed) -> bool:
        """True when anything of *version* is needed, which keeps all of it."""
        return (
            (version.owner, version.version) in self.versions
            or any(self._holds_package(item.ref, observed) for item in version.packages)
            or any(self.hold_script(item.ref, observed) for item in version.scripts)
        )

    def _holds_package(self, ref: ObjectRef, observed: Observed) -> bool:
        stored = observed.packages.get(ref)
        digest = stored.digest if stored is not None else None
        return ref in self.packages or (digest is not None and digest.hex in self.digests)


def needs_of(
    desired: Desired, observed: Observed, manifests: Iterable[Mapping[str, Json]]
) -> Needs:
    """Gather what is needed; records and jobs, by their *manifests*, are those that stay."""
    wanted = [one for release in desired.releases for one in variants(release, observed)]
    kept, shown = observed.records.values(), shown_by(observed)
    packages = {package_of(one) for one in wanted}
    packages |= {ObjectRef(record.package, record.version) for record in kept}
    packages |= shown.packages
    versions = {(one.name, one.version) for one in wanted}
    versions |= {(record.release, record.version) for record in kept}
    versions |= {
        (name, asked.to)
        for name, asked in observed.requests.returns.items()
        if asked.to is not None
    }
    scripts = {ref for one in wanted for ref in _rendered(one, observed)}
    scripts |= {attempt.script for attempt in observed.attempts.values() if attempt.script}
    scripts |= {ref for manifest in manifests if (ref := _script_of(manifest)) is not None}
    slots = {slot.script_sha256 for slot in observed.slots.values() if slot.script_sha256}
    return Needs(
        packages=frozenset(packages),
        scripts=frozenset(scripts),
        versions=frozenset(versions),
        digests=shown.digests | slots,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What runs on some host, or may: it is proved, or it was the last that was sent there."""

    packages: frozenset[ObjectRef]
    digests: frozenset[str]
    fingerprints: frozenset[Fingerprint]


def shown_by(observed: Observed) -> Shown:
    """Gather what hosts show of themselves, and what they were sent last."""
    packages: set[ObjectRef] = set()
    digests: set[str] = set()
    fingerprints: set[Fingerprint] = set()
    for proof in observed.proofs.values():
        for evidence in (proof.by_result, proof.by_probe):
            if evidence is not None and evidence.version is not None:
                packages.add(ObjectRef(proof.package, evidence.version))
            if evidence is not None and evidence.digest is not None:
                digests.add(evidence.digest.hex)
    for attempt in observed.attempts.values():
        fingerprints.add(attempt.wish.fingerprint)
        if attempt.returns_to is not None:
            fingerprints.add(attempt.returns_to)
        if attempt.wish.purpose is Purpose.INSTALL:
            packages.add(ObjectRef(attempt.package, attempt.version))
    return Shown(
        packages=frozenset(packages),
        digests=frozenset(digests),
        fingerprints=frozenset(fingerprints),
    )


def _rendered(release: Release, observed: Observed) -> Iterator[ObjectRef]:
    """Yield where the script is today; while it cannot be rendered, wherever it may be."""
    rendered = observed.rendered.get((release.name, release.fingerprint))
    if rendered is not None:
        yield script_ref(release, rendered.digest, observed)
        return
    for ref in observed.owned_scripts:
        if ref.name == release.script.object_name and plain_version(ref) == release.version:
            yield ref


def _script_of(manifest: Mapping[str, Json]) -> ObjectRef | None:
    execute = manifest.get("execute")
    name = execute.get("script_object") if isinstance(execute, dict) else None
    return ObjectRef.parse(name) if isinstance(name, str) else None
