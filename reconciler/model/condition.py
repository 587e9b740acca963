"""Conditions in the manner of kstatus: what is true of a release, why, and since when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.identity import Revision


class ConditionType(StrEnum):
    """What a condition is about."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    HEALTHY = "Healthy"
    APPROVED = "Approved"
    SUSPENDED = "Suspended"
    DRIFT_DETECTED = "DriftDetected"
    SOURCE_READY = "SourceReady"
    KANADE_READY = "KanadeReady"
    PRUNED = "Pruned"


class Truth(StrEnum):
    """Kubernetes' three values: not knowing is one of them."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One statement; `since` moves only when status, reason or message do."""

    type: ConditionType
    status: Truth
    reason: str
    message: str
    revision: Revision | None
    since: datetime
