"""Metrics, as a controller that has told of one release shows them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import PurePosixPath

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from docs.generate.markdown import code, table
from reconciler.cli.clock import SystemClock
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import (
    Fingerprint,
    JobId,
    PackageName,
    ReleaseName,
    Revision,
    Version,
)
from reconciler.model.status import Change, ControllerStatus, ReleaseStatus, Status
from reconciler.telemetry.gauges import PREFIX
from reconciler.telemetry.metrics import Metrics

_EXAMPLES = PurePosixPath("../../examples/monitoring")
_HEAD = f"""\
# Metrics

`/metrics`, where the settings say `serve.listen`. Only the leader tells of the fleet, so that a sum
over several controllers counts every host once. A dashboard and alert rules are in
[examples/monitoring]({_EXAMPLES}). Beside these there are `process_*`, as in any Prometheus client.

"""


_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ASKED = Change(revision=Revision(""), committed_at=_NOW)
_BROKEN = replace(_ASKED, failed_at=_NOW, broken_since=_NOW)
_MENDED = replace(_BROKEN, broken_since=None, proved_at=_NOW)
"""One change that went wrong and was mended: what is only measured then has its labels, too."""


def metrics() -> str:
    """Return the page."""
    measured = Metrics(lambda: True, SystemClock(), "0")
    measured.notified("chat", "sent")
    for before, after in pairwise((_told(None), _told(_ASKED), _told(_BROKEN), _told(_MENDED))):
        measured.published(before, after)
    families = text_string_to_metric_families(measured.exposition().decode())
    rows = sorted(_row(family) for family in families if family.name.startswith(PREFIX))
    return _HEAD + table(("metric", "type", "labels", "what it is"), rows)


def _row(family: Metric) -> tuple[str, str, str, str]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = ", ".join(map(code, dict.fromkeys(_labels(family))))
    return code(name), family.type, labels, family.documentation


def _labels(family: Metric) -> Iterator[str]:
    for sample in family.samples:
        yield from (label for label in sample.labels if label != "le")


def _told(change: Change | None) -> Status:
    name = ReleaseName("tool")
    ready = Condition(
        type=ConditionType.READY,
        status=Truth.FALSE,
        reason="ApprovalRequired",
        message="",
        revision=None,
        since=_NOW,
    )
    release = ReleaseStatus(
        name=name,
        package=PackageName(name),
        version=Version("1"),
        fingerprint=Fingerprint(""),
        revision=Revision(""),
        job=JobId(""),
        conditions=(ready,),
        waits_for="a word",
        change=change,
    )
    return Status(controller=ControllerStatus(revision=None), releases={name: release})
