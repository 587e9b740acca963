"""The part of a plan case that is about going back: records, quarantine, a person's word."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from reconciler.model.desired import Release
from reconciler.model.identity import Version
from reconciler.model.observed import Observed, Requests, Return
from tests.support import builders
from tests.support.builders import NOON


def with_memory(
    observed: Observed,
    item: Release,
    records: list[str] | None,
    quarantined: list[str],
    offered: Iterable[str] = (),
) -> Observed:
    """Add what was proved of *item* and what has failed; by default, it is itself proved.

    The first record is the oldest; their packages are in the store, and can be rendered.
    """
    versions = records if records is not None else [item.version]
    releases = [at_version(item, version) for version in versions]
    supplied = builders.supplied(*releases)
    kept = [
        builders.record(one, ago=timedelta(days=len(releases) - age))
        for age, one in enumerate(releases)
    ]
    offers = [builders.offer(at_version(item, version)) for version in offered]
    bad = [builders.quarantine(at_version(item, version)) for version in quarantined]
    return replace(
        observed,
        packages={**supplied.packages, **observed.packages},
        scripts={**supplied.scripts, **observed.scripts},
        owned_packages={**supplied.owned_packages, **observed.owned_packages},
        owned_scripts={**supplied.owned_scripts, **observed.owned_scripts},
        owned_jobs={**supplied.owned_jobs, **observed.owned_jobs},
        rendered={**supplied.rendered, **observed.rendered},
        records={(one.release, one.fingerprint): one for one in kept},
        quarantine={(one.release, one.fingerprint): one for one in bad},
        offers={(one.release, one.fingerprint): one for one in offers},
    )


def with_return(requests: Requests, item: Release, word: Mapping[str, str] | None) -> Requests:
    """Add a person's word that *item* goes back; `said_of` names another version's fingerprint."""
    if word is None:
        return requests
    said_of = at_version(item, word.get("said_of", item.version))
    asked = Return(
        release=item.name,
        fingerprint=said_of.fingerprint,
        to=Version(word["to"]) if "to" in word else None,
        by="mika",
        reason="slow",
        at=NOON - timedelta(minutes=1),
    )
    return replace(requests, returns={item.name: asked})


def at_version(item: Release, version: str) -> Release:
    """Return *item* as it was at *version*."""
    if version == item.version:
        return item
    return builders.release(version, name=item.name, hosts=sorted(item.targets.hosts))
