"""Deletes what is ours and no longer needed: last, and never much without an approval.

Packages and scripts are ours by the inventory alone, so one that is lost prunes nothing; jobs are
ours by their `origin`. A release that is removed leaves its hosts as they are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.action import Delete, DeletePackage, DeleteScript
from reconciler.model.desired import Desired
from reconciler.model.identity import ReleaseName, Version
from reconciler.model.observed import Observed
from reconciler.model.plan import Deferred, Step
from reconciler.model.pruning import HeldPrune
from reconciler.plan.brakes import brake
from reconciler.plan.forget import DEFAULT_KEEP, forget, stale_records
from reconciler.plan.inventory import OwnedVersion, our_jobs, owned_versions
from reconciler.plan.needs import Needs, needs_of
from reconciler.plan.rest import commanded, moving
from reconciler.plan.room import in_turn, lacking
from reconciler.plan.terms import Terms
from reconciler.plan.unwanted_jobs import delete_jobs, unwanted_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """A plan's steps with those that prune among them, and what is not deleted now."""

    steps: tuple[Step, ...]
    deferred: tuple[Deferred, ...] = ()
    held: HeldPrune | None = None


def with_pruning(
    planned: Sequence[Step], desired: Desired, observed: Observed, now: datetime, terms: Terms
) -> Pruning:
    """Return *planned* and what is to be deleted, each step after all that it waits for.

    The brakes count everything that nobody needs, whether or not all of it can go now.
    """
    if not terms.prune or not (desired.releases or desired.jobs):
        return Pruning(steps=tuple(planned))
    stale = stale_records(desired, observed)
    kept = {key: record for key, record in observed.records.items() if key not in stale}
    observed = replace(observed, records=kept)
    owned, ours = owned_versions(observed), our_jobs(desired, observed)
    unwanted = unwanted_jobs(ours, desired, observed)
    jobs, deferred = delete_jobs(unwanted, observed, now, terms)
    spare = tuple(_spare(owned, desired))
    deletes: list[Delete] = [*jobs]
    if spare:
        gone = {job.job_id for job in jobs}
        manifests = (live.manifest for name, live in observed.jobs.items() if name not in gone)
        deletes += _unneeded(spare, needs_of(desired, observed, manifests), observed)
    total = len({*_versions(owned), *_wanted(desired)}) + len(ours)
    held = brake(deletes, unwanted, total=total, observed=observed, terms=terms)
    if held is not None:
        deletes, deferred = [], [*deferred, held.why]
    elif deletes:
        busy = moving(desired, observed, now, terms)
        deletes = _at_rest(deletes, planned, observed, busy)
    return Pruning(
        steps=in_turn(planned, deletes, [forget(record) for record in stale.values()], observed),
        deferred=tuple(deferred),
        held=held.what if held is not None else None,
    )


def _wanted(desired: Desired) -> Iterator[tuple[ReleaseName, Version]]:
    return ((release.name, release.version) for release in desired.releases)


def _versions(owned: Sequence[OwnedVersion]) -> Iterator[tuple[ReleaseName, Version]]:
    return ((item.owner, item.version) for item in owned)


@dataclass(frozen=True, slots=True)
class _Spare:
    version: OwnedVersion
    whole: bool
    """All of it may go; or else only scripts that later renderings have taken the place of."""


def _spare(owned: Sequence[OwnedVersion], desired: Desired) -> Iterator[_Spare]:
    """Yield what is beyond the versions that stay for their age alone."""
    keep = {release.name: release.keep_versions for release in desired.releases}
    wanted = set(_wanted(desired))
    older: Counter[ReleaseName] = Counter()
    for item in owned:
        is_older = (item.owner, item.version) not in wanted
        older[item.owner] += is_older
        whole = is_older and older[item.owner] > keep.get(item.owner, DEFAULT_KEEP)
        if whole or len(item.scripts) > 1:
            yield _Spare(item, whole)


def _unneeded(spare: Sequence[_Spare], needs: Needs, observed: Observed) -> Iterator[Delete]:
    for item in spare:
        version, scripts = item.version, item.version.scripts
        if item.whole and not needs.hold(version, observed):
            for one in version.packages:
                yield DeletePackage(owner=version.owner, ref=one.ref, sequence=one.sequence)
        else:
            newest = {one.ref.name: one for one in reversed(scripts)}
            scripts = tuple(
                one
                for one in scripts
                if one is not newest[one.ref.name] and not needs.hold_script(one.ref, observed)
            )
        for one in scripts:
            yield DeleteScript(owner=version.owner, ref=one.ref, sequence=one.sequence)


def _at_rest(
    deletes: Sequence[Delete],
    planned: Sequence[Step],
    observed: Observed,
    busy: frozenset[ReleaseName],
) -> list[Delete]:
    """Leave out what belongs to a release on the move; only who lacks room does not wait."""
    about_to_be, short = commanded(planned), lacking(planned, observed)

    def may_go(action: Delete) -> bool:
        if not isinstance(action, DeletePackage | DeleteScript):
            return True
        waits = action.owner in about_to_be and type(action) not in short
        return action.owner not in busy and not waits

    return [action for action in deletes if may_go(action)]
