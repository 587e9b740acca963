"""A registry's exposition, read back as a scraper would."""

from prometheus_client.parser import text_string_to_metric_families

from reconciler.telemetry.metrics import Metrics

Labels = tuple[tuple[str, str], ...]


def samples(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    """Return every sample by its name, without our prefix, and its labels."""
    return {
        (
            sample.name.removeprefix("kanade_reconciler_"),
            tuple(sorted((name, str(value)) for name, value in sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def sample(metrics: Metrics, family: str, /, **labels: str) -> float | None:
    """Return one sample, `None` when there is none."""
    return samples(metrics).get((family, tuple(sorted(labels.items()))))
