"""Parts of a status as a leader publishes it, for the tests of those who show it."""

from dataclasses import replace
from datetime import datetime

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import Fingerprint, JobId, PackageName, ReleaseName, Version
from reconciler.model.status import ReleaseStatus
from tests.support.builders import NOON, REVISION

FINGERPRINT = Fingerprint("f" * 64)


def condition(
    kind: ConditionType, status: Truth, reason: str, message: str = "", since: datetime = NOON
) -> Condition:
    return Condition(
        type=kind, status=status, reason=reason, message=message, revision=REVISION, since=since
    )


def release(name: ReleaseName, *conditions: Condition, **more: object) -> ReleaseStatus:
    made = ReleaseStatus(
        name=name,
        package=PackageName(name),
        version=Version("0.43.0"),
        fingerprint=FINGERPRINT,
        revision=REVISION,
        job=JobId(f"install-{name}"),
        conditions=conditions,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # names and values are the test's own
