"""What a status says in numbers, as of the moment of asking.

Labels come from closed sets: releases, states, conditions and our own reasons.
Hosts are counted, never named, so that ten thousand of them are as many series as ten.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.plan import State
from reconciler.model.status import ReleaseStatus, Status

PREFIX = "kanade_reconciler"


def gauges(status: Status, now: datetime) -> Iterator[GaugeMetricFamily]:
    """Yield the metrics of *status*."""
    releases = sorted(status.releases.values(), key=lambda item: item.name)
    yield _conditions(status, releases)
    hosts = _gauge("hosts", "Targeted hosts, by where they stand.", "release", "state")
    for release in releases:
        for state in State:
            hosts.add_metric([release.name, str(state)], release.counts.get(str(state), 0))
    yield hosts
    waiting = _gauge(
        "rollout_waiting_seconds", "How long the longest wait for this has lasted.", "on"
    )
    for reason, since in sorted(_waits(releases).items()):
        waiting.add_metric([reason], max(0.0, (now - since).total_seconds()))
    yield waiting


def _conditions(status: Status, releases: Iterable[ReleaseStatus]) -> GaugeMetricFamily:
    """Return, as Flux has it, a one for the value of each condition and zeros for the others."""
    family = _gauge(
        "condition",
        "A condition of a release, or of the controller, which has no name.",
        *("name", "type", "status"),
    )
    found: list[tuple[str, Condition]] = [("", item) for item in status.controller.conditions]
    found += [(release.name, item) for release in releases for item in release.conditions]
    for name, condition in found:
        for truth in Truth:
            value = float(condition.status is truth)
            family.add_metric([name, str(condition.type), str(truth)], value)
    return family


def _waits(releases: Iterable[ReleaseStatus]) -> dict[str, datetime]:
    """Return since when something holds a release, by what it is."""
    found: dict[str, datetime] = {}
    for release in releases:
        ready = next(item for item in release.conditions if item.type is ConditionType.READY)
        if release.waits_for:
            found[ready.reason] = min(ready.since, found.get(ready.reason, ready.since))
    return found


def _gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", documentation, labels=labels)
