"""Events as the controller tells them."""

from dataclasses import replace

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.status import Event
from tests.support.builders import NOON, REVISION

TOOL = ReleaseName("tool")
CONVERGED = Event(
    at=NOON,
    kind="Converged",
    message="3 of 3 hosts run tool 2.0.0, proved",
    release=TOOL,
    revision=REVISION,
    condition=ConditionType.READY,
    truth=Truth.TRUE,
    id="e-converged",
)
PROGRESSING = replace(
    CONVERGED,
    kind="Progressing",
    message="1 of 3 hosts run tool 2.0.0, proved",
    truth=Truth.FALSE,
    id="e-progressing",
)
STALLED = replace(
    CONVERGED,
    kind="ServiceDidNotStart",
    message="pc-01: the new service did not come up",
    condition=ConditionType.STALLED,
    severity="error",
    id="e-stalled",
)
CALM = replace(STALLED, kind="Progressing", truth=Truth.FALSE, severity="info", id="e-calm")
DRIFTED = replace(
    STALLED,
    kind="DriftDetected",
    message="1 hosts",
    condition=ConditionType.DRIFT_DETECTED,
    id="e-drifted",
)
APPLIED = Event(
    at=NOON,
    kind="RevisionApplied",
    message="revision aaaaaaaaaaaa is in force: Bump tool",
    revision=REVISION,
    details="tool 2.0.0: 0 of 3 hosts proved\n  + publish package tool/2.0.0  (it is not there)",
    id="e-applied",
)
UNREAD = Event(
    at=NOON,
    kind="GitUnavailable",
    message="no answer",
    severity="error",
    condition=ConditionType.SOURCE_READY,
    truth=Truth.FALSE,
    id="e-unread",
)
ON_HOST = Event(
    at=NOON,
    kind="HostFailed",
    message="NoRoom: the disk is full",
    release=TOOL,
    host=HostName("pc-01"),
    revision=REVISION,
    severity="error",
    id="e-host",
)
ALL = (CONVERGED, PROGRESSING, STALLED, CALM, DRIFTED, APPLIED, UNREAD, ON_HOST)
EVIL = replace(
    STALLED,
    message='<script>&amp; *bold* [x](http://evil) @all <!here> `` ``` "\r\nBcc: x',
    id="e-evil",
)


class Nobody:
    """A provider to whom nothing is sent."""

    async def send(self, event: Event) -> None:
        raise AssertionError(event)
