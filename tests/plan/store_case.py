"""Reads what a plan case says of kanade's stores beyond the releases in force.

```yaml
stores:
  keep: 1                   # older versions that the first release keeps; 3 when left out
  older: [1.0.0, 1.1.0]     # its older packages and scripts, ours, in the order they came
  renderings: 2             # how often the script of its newest older version was rendered anew
  theirs: [0.9.0]           # its packages that somebody else has published
  gone: {other: [1.0.0]}    # packages and scripts of releases that are not wanted any more
  changed: [1.0.0]          # of the older packages: somebody has put other bytes there
  lost: true                # the inventory is
  jobs: {old: {...}}        # in the catalogue only: repo, path, script, revoked, schedule, by_hand
  sent: [1.0.0]             # whose script lies in a slot, sent by somebody else
  room: 0                   # bytes that fit into the packages
  may_go: [job old 1, ...]  # what a person has agreed to; `refused`: why that does not count
  prune: false              # the settings' word, and `limit`: its percentage
```
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypedDict

from reconciler.model.approval import Checked
from reconciler.model.desired import Desired, Release
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, JobId, Json, ObjectRef, ReleaseName, Version
from reconciler.model.observed import LiveJob, Observed, Owned, Room, Slot, StoredObject
from reconciler.model.pruning import PruneApproval
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON, REPO


class JobCase(TypedDict, total=False):
    repo: str
    path: str
    script: str
    revoked: bool
    retired: bool
    schedule: str
    by_hand: bool


class StoresCase(TypedDict, total=False):
    keep: int
    older: list[str]
    renderings: int
    theirs: list[str]
    gone: dict[str, list[str]]
    changed: list[str]
    lost: bool
    jobs: dict[str, JobCase]
    sent: list[str]
    room: int
    may_go: list[str]
    refused: str
    prune: bool
    limit: int


class Stocked(NamedTuple):
    desired: Desired
    observed: Observed
    terms: Terms


class _Object(NamedTuple):
    ref: ObjectRef
    digest: Digest
    owner: ReleaseName


def stocked(case: StoresCase, desired: Desired, observed: Observed) -> Stocked:
    first, *others = desired.releases
    first = replace(first, keep_versions=case.get("keep", first.keep_versions))
    packages = [_package(first.name, version) for version in case.get("older", [])]
    scripts = [_script(first.name, version) for version in case.get("older", [])]
    for number in range(case.get("renderings", 0)):
        scripts.append(_rendering(scripts[len(case["older"]) - 1], number))
    for name, versions in case.get("gone", {}).items():
        packages += [_package(ReleaseName(name), version) for version in versions]
        scripts += [_script(ReleaseName(name), version) for version in versions]
    theirs = [_package(first.name, version) for version in case.get("theirs", [])]
    changed = {ObjectRef(first.package, version) for version in case.get("changed", [])}
    ours = not case.get("lost", False)
    return Stocked(
        desired=replace(desired, releases=(first, *others)),
        observed=replace(
            observed,
            packages={**observed.packages, **_stored([*theirs, *packages], changed)},
            scripts={**observed.scripts, **_stored(scripts)},
            owned_packages={**_of(first, observed.owned_packages), **_owned(packages)}
            if ours
            else {},
            owned_scripts={**_of(first, observed.owned_scripts), **_owned(scripts)} if ours else {},
            jobs={**observed.jobs, **_jobs(case.get("jobs", {}))},
            slots={**observed.slots, **_slots(first, case.get("sent", []))},
            requests=replace(observed.requests, prune=_word(case)),
            room=Room(packages=case.get("room")),
        ),
        terms=Terms(prune=case.get("prune", True), prune_limit=case.get("limit", 20)),
    )


def _package(name: ReleaseName, version: str) -> _Object:
    return _Object(ObjectRef(name, version), builders.digest_of(f"{name} {version}"), name)


def _script(name: ReleaseName, version: str) -> _Object:
    digest = builders.script_digest(builders.release(version, name=name))
    return _Object(ObjectRef(f"deploy-{name}", version), digest, name)


def _rendering(script: _Object, number: int) -> _Object:
    digest = builders.digest_of(f"{script.ref} anew {number}")
    ref = ObjectRef(script.ref.name, f"{script.ref.version}.r{digest.hex[:8]}")
    return _Object(ref, digest, script.owner)


def _stored(
    items: Iterable[_Object], changed: Iterable[ObjectRef] = ()
) -> dict[ObjectRef, StoredObject]:
    other = builders.digest_of("other bytes")
    return {
        item.ref: builders.stored(
            item.ref, other if item.ref in changed else item.digest, sequence=number
        )
        for number, item in enumerate(items, start=1)
    }


def _owned(items: Iterable[_Object]) -> dict[ObjectRef, Owned]:
    return {item.ref: Owned(digest=item.digest, release=item.owner) for item in items}


def _of(release: Release, owned: Mapping[ObjectRef, Owned]) -> dict[ObjectRef, Owned]:
    """Name the owner of what the builders have supplied: it is published last."""
    names = (release.package, release.script.object_name)
    return {
        ref: replace(item, release=release.name if ref.name in names else item.release)
        for ref, item in owned.items()
    }


def _jobs(cases: Mapping[str, JobCase]) -> dict[JobId, LiveJob]:
    return {JobId(name): _job(name, case) for name, case in cases.items()}


def _job(name: str, case: JobCase) -> LiveJob:
    execute: dict[str, Json] = {"shell": "sh"}
    if "script" in case:
        execute["script_object"] = case["script"]
    origin: Json = {"repo": case.get("repo", REPO), "path": case.get("path", f"jobs/{name}.yaml")}
    mark: dict[str, Json] = {} if case.get("by_hand") else {"origin": origin}
    return LiveJob(
        id=JobId(name),
        manifest={"id": name, "version": "1", "execute": execute, **mark},
        pin=Version("1"),
        revoked=case.get("revoked", False),
        retired=case.get("retired", False),
        schedule=case.get("schedule"),
    )


def _slots(release: Release, versions: Iterable[str]) -> dict[HostName, Slot]:
    return {
        HostName(f"elsewhere-{version}"): Slot(
            sequence=9,
            at=NOON,
            request_id=None,
            exec_id=None,
            job=JobId("by-hand"),
            version=None,
            script_sha256=_script(release.name, version).digest.hex,
        )
        for version in versions
    }


def _word(case: StoresCase) -> Checked[PruneApproval] | None:
    if "may_go" not in case:
        return None
    word = PruneApproval(items=tuple(case["may_go"]), approver="mika", at=NOON)
    return Checked(signed=word, refusal=case.get("refused", ""))
