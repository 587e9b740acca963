"""What we have put into kanade, gathered by the version that it was put there for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.desired import Desired
from reconciler.model.identity import JobId, Json, ObjectRef, ReleaseName, Version
from reconciler.model.observed import Observed, Owned, StoredObject

_RENDERING = re.compile(r"\.r[0-9a-f]{8}$")
"""What `script_ref` adds to a version whose plain key holds other bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedObject:
    """A package or a script of ours; `sequence` shows which is newer, 0 when it is gone."""

    ref: ObjectRef
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedVersion:
    """A version of a release: its package and its scripts stay or go together."""

    owner: ReleaseName
    version: Version
    packages: tuple[OwnedObject, ...]
    scripts: tuple[OwnedObject, ...]
    """The newest rendering first."""

    @property
    def sequence(self) -> int:
        """When it was published, in the store's own count."""
        return max(item.sequence for item in self.packages or self.scripts)


def owned_versions(observed: Observed) -> tuple[OwnedVersion, ...]:
    """Return everything that is written down as ours, the newest version first.

    An object whose bytes somebody has changed since is theirs.
    """
    packages = _gathered(observed.owned_packages, observed.packages)
    scripts = _gathered(observed.owned_scripts, observed.scripts)
    found = [
        OwnedVersion(
            owner=key[0],
            version=key[1],
            packages=packages.get(key, ()),
            scripts=scripts.get(key, ()),
        )
        for key in packages.keys() | scripts.keys()
    ]
    found.sort(key=lambda item: (item.sequence, item.owner, item.version), reverse=True)
    return tuple(found)


def our_jobs(desired: Desired, observed: Observed) -> frozenset[JobId]:
    """Return the jobs of the catalogue whose `origin` is a job file of this desired state."""
    prefix = f"{desired.folder}/jobs/" if desired.folder else "jobs/"

    def is_ours(origin: Json) -> bool:
        return (
            isinstance(origin, dict)
            and bool(desired.repo)
            and origin.get("repo") == desired.repo
            and str(origin.get("path")).startswith(prefix)
        )

    return frozenset(
        live.id for live in observed.jobs.values() if is_ours(live.manifest.get("origin"))
    )


def plain_version(ref: ObjectRef) -> Version:
    """Return the version that an object was published for, whichever rendering it is."""
    return Version(_RENDERING.sub("", ref.version))


def _gathered(
    owned: Mapping[ObjectRef, Owned], stored: Mapping[ObjectRef, StoredObject]
) -> Mapping[tuple[ReleaseName, Version], tuple[OwnedObject, ...]]:
    found: dict[tuple[ReleaseName, Version], list[OwnedObject]] = {}
    for ref, item in owned.items():
        there = stored.get(ref)
        if there is None or there.digest == item.digest:
            owner = item.release if item.release is not None else ReleaseName(ref.name)
            sequence = there.sequence if there is not None else 0
            one = OwnedObject(ref=ref, sequence=sequence)
            found.setdefault((owner, plain_version(ref)), []).append(one)
    return {key: _newest_first(items) for key, items in found.items()}


def _newest_first(items: Iterable[OwnedObject]) -> tuple[OwnedObject, ...]:
    return tuple(sorted(items, key=lambda item: (item.sequence, item.ref), reverse=True))
