"""An event as Flux's controllers write theirs, so that their notifiers, and Argo's, read it.

fluxcd/pkg: `apis/event/v1beta1/event.go`.
"""

import json
from collections.abc import Mapping

from reconciler.model.identity import Json
from reconciler.model.status import Event
from reconciler.notify.wording import CONTROLLER

_MOST_MESSAGE = 39_000
_SHA1_DIGITS = 40


def flux_event(event: Event, instance: str, link: str | None = None) -> dict[str, Json]:
    """Return the JSON object."""
    return {
        "involvedObject": {
            "apiVersion": "kanade-reconciler/v1",
            "kind": "Release" if event.release is not None else "Controller",
            "namespace": CONTROLLER,
            "name": event.release or CONTROLLER,
        },
        "severity": event.severity,
        "timestamp": event.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "message": event.message[:_MOST_MESSAGE],
        "reason": event.kind,
        "metadata": dict(_metadata(event, link)),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
    }


def flux_json(event: Event, instance: str, link: str | None = None) -> bytes:
    """Return the bytes that are sent, and signed."""
    return json.dumps(flux_event(event, instance, link), separators=(",", ":")).encode()


def _metadata(event: Event, link: str | None) -> Mapping[str, str]:
    found = {"eventId": event.id}
    if event.revision is not None:
        algorithm = "sha1" if len(event.revision) == _SHA1_DIGITS else "sha256"
        found["revision"] = f"{algorithm}:{event.revision}"
    if event.host is not None:
        found["host"] = event.host
    if event.condition is not None and event.truth is not None:
        found["condition"] = f"{event.condition}={event.truth}"
    if link is not None:
        found["url"] = link
    if event.details:
        found["details"] = event.details
    return found
