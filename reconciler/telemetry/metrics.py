"""The controller's metrics, in a registry of their own; names as in controller-runtime and Flux."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from reconciler.model.identity import Revision
from reconciler.model.outcome import Applied
from reconciler.model.status import Status
from reconciler.ports import Clock
from reconciler.status.change import turn
from reconciler.telemetry.gauges import PREFIX, gauges

_PASSES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds: a pass with nothing to do takes milliseconds, one that publishes takes minutes."""
_CHANGES = (10, 30, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400)
"""Seconds: a change may be proved after ten, or wait for a window for days."""


class Metrics(Collector):
    """Implements `ports.Onlooker`.

    What is read off the status is reported by the leader alone, so that a sum over several
    controllers counts every host once.
    """

    def __init__(self, leads: Callable[[], bool], clock: Clock, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # its one gap
        self._leads = leads
        self._clock = clock
        self._status: Status | None = None
        self._registry = registry = CollectorRegistry()
        self._passes = Counter(
            f"{PREFIX}_reconcile",
            "Passes, by how they ended.",
            ["result"],
            registry=registry,
        )
        for result in ("success", "requeue_after", "error"):
            self._passes.labels(result)
        self._durations = Histogram(
            f"{PREFIX}_reconcile_duration_seconds",
            "How long a pass took.",
            buckets=_PASSES,
            registry=registry,
        )
        self._fetched = Gauge(
            f"{PREFIX}_source_last_success_timestamp_seconds",
            "When the repository was last read.",
            registry=registry,
        )
        self._converged = Counter(
            f"{PREFIX}_changes_converged",
            "Changes that were proved on every host: how often is deployed.",
            ["release"],
            registry=registry,
        )
        self._failed = Counter(
            f"{PREFIX}_changes_failed",
            "Changes that failed on a host.",
            ["release"],
            registry=registry,
        )
        self._lead_times = Histogram(
            f"{PREFIX}_change_lead_time_seconds",
            "From a commit to its proof on every host.",
            ["release"],
            buckets=_CHANGES,
            registry=registry,
        )
        self._restored = Histogram(
            f"{PREFIX}_time_to_restore_seconds",
            "From a failure, or drift, until it is mended or has gone back.",
            ["release"],
            buckets=_CHANGES,
            registry=registry,
        )
        self._notifications = Counter(
            f"{PREFIX}_notifications",
            "Attempts to notify, by target and by how they ended.",
            ["target", "result"],
            registry=registry,
        )
        build = Gauge(f"{PREFIX}_build_info", "Always 1.", ["version"], registry=registry)
        build.labels(version).set(1)
        registry.register(self)
        ProcessCollector(registry=registry)

    def notified(self, target: str, result: str) -> None:
        """Count an attempt of a courier: `sent`, `put_off` or `given_up`."""
        self._notifications.labels(target, result).inc()

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Implement prometheus-client's `Collector`."""
        leads = self._leads()
        yield GaugeMetricFamily(f"{PREFIX}_leader", "1 while it leads, 0 on standby.", int(leads))
        if leads and self._status is not None:
            yield from gauges(self._status, self._clock.now())

    def fetched(self, _began: datetime, ended: datetime, revision: Revision | None) -> None:
        """See `ports.Onlooker`."""
        if revision is not None:
            self._fetched.set(ended.timestamp())

    def passed(self, took: timedelta, applied: Applied | None, reason: str) -> None:
        """See `ports.Onlooker`."""
        self._passes.labels(_result(applied, reason)).inc()
        self._durations.observe(took.total_seconds())

    def published(self, before: Status, after: Status) -> None:
        """See `ports.Onlooker`."""
        self._status = after
        for name, status in after.releases.items():
            for family in (self._converged, self._failed):
                family.labels(name)
            became = turn(before.releases.get(name), status, self._clock.now())
            if became.proved_after is not None:
                self._converged.labels(name).inc()
                self._lead_times.labels(name).observe(became.proved_after.total_seconds())
            if became.failed:
                self._failed.labels(name).inc()
            if became.restored_after is not None:
                self._restored.labels(name).observe(became.restored_after.total_seconds())


def _result(applied: Applied | None, reason: str) -> str:
    """Return controller-runtime's name for how a pass ended."""
    if reason or (applied is not None and applied.failed):
        return "error"
    return "requeue_after" if applied is not None and applied.plan.wake_at else "success"
