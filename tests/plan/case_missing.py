"""The part of a plan case that is about what is not there, or not as it should be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reconciler.model.desired import Release
from reconciler.model.identity import JobId, ObjectRef
from reconciler.model.observed import Observed, Owned
from reconciler.plan.manifest import manifest_digest
from tests.support import builders

Loss = Callable[[Observed, Release], Observed]


def without(observed: Observed, item: Release, missing: Iterable[str]) -> Observed:
    """Return *observed* after what *missing* names has happened to it."""
    for word in missing:
        observed = _LOSSES[word](observed, item)
    return observed


def _jobless(observed: Observed, gone: JobId) -> Observed:
    jobs = {key: job for key, job in observed.jobs.items() if key != gone}
    return replace(observed, jobs=jobs)


def _unchecked(owned: Mapping[ObjectRef, Owned]) -> Mapping[ObjectRef, Owned]:
    return {ref: replace(item, checked=False) for ref, item in owned.items()}


def _by_hand(observed: Observed, bare: str, owned: str) -> Observed:
    """Let somebody have registered the probe job by hand, its description being *bare*.

    We remember it with the description *owned*, if it is any of ours.
    """
    live = observed.jobs[builders.PROBE_JOB.id]
    found = {**live.manifest, "origin": None, "description": bare or None}
    ours = {} if owned == "not" else {live.id: {**found, "description": owned or None}}
    others = {key: item for key, item in observed.owned_jobs.items() if key != live.id}
    remembered = {key: Owned(digest=manifest_digest(it), release=None) for key, it in ours.items()}
    return replace(
        observed,
        jobs={**observed.jobs, live.id: replace(live, manifest=found)},
        owned_jobs={**others, **remembered},
    )


def _mark_taken_off(observed: Observed) -> Observed:
    live = observed.jobs[builders.PROBE_JOB.id]
    bare = replace(live, manifest={**live.manifest, "origin": None})
    return replace(observed, jobs={**observed.jobs, live.id: bare})


_LOSSES: Mapping[str, Loss] = {
    "package": lambda seen, _: replace(seen, packages={}, owned_packages={}),
    "script": lambda seen, _: replace(seen, scripts={}, owned_scripts={}),
    "package-from-store": lambda seen, _: replace(seen, packages={}),
    "script-from-store": lambda seen, _: replace(seen, scripts={}),
    "package-unchecked": lambda seen, _: replace(
        seen, owned_packages=_unchecked(seen.owned_packages)
    ),
    "script-unchecked": lambda seen, _: replace(seen, owned_scripts=_unchecked(seen.owned_scripts)),
    "job": lambda seen, item: _jobless(seen, item.job.id),
    "probe-job": lambda seen, _: _jobless(seen, builders.PROBE_JOB.id),
    "probe-job-mark": lambda seen, _: _mark_taken_off(seen),
    "probe-job-by-hand": lambda seen, _: _by_hand(seen, "", "not"),
    "probe-job-by-hand-other": lambda seen, _: _by_hand(seen, "mine", "not"),
    "probe-job-claimed": lambda seen, _: _by_hand(seen, "", ""),
    "probe-job-claimed-then-edited": lambda seen, _: _by_hand(seen, "mine", ""),
    "probe-job-claimed-then-committed": lambda seen, _: _by_hand(seen, "before", "before"),
}
"""`-from-store`: somebody has deleted what is ours; `-unchecked`: it was never read back.

`-by-hand`: it carries no origin, as git says it, or other; `-claimed`: and yet is known as ours.
"""
