"""kanade's audit log, with entries for what is written past its backend.

kanade: `crates/kanade-backend/src/audit.rs`. What goes through the backend it records itself.
"""

import re
from collections.abc import Mapping

import msgspec
import structlog

from reconciler.errors import ReconcilerError
from reconciler.jetstream.connection import Connection
from reconciler.model.identity import Json
from reconciler.ports import Clock

ACTOR = "kanade-reconciler"
_UNFIT = re.compile(r"[^!-)+-=?-~]")
"""What cannot stand in a subject, wildcards included."""

log = structlog.get_logger()


class Audit:
    """Writes entries as the backend does: best effort, because what they record is done already."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def record(self, action: str, target: str, payload: Mapping[str, Json]) -> None:
        """Note that *action* was done to *target*; no secret belongs into *payload*."""
        entry = {
            "actor": ACTOR,
            "action": action,
            "target": target,
            "payload": {**payload, "source": ACTOR, "path": "nats"},
            "occurred_at": self._clock.now(),
        }
        subject = f"audit.{ACTOR}.{action}.{_UNFIT.sub('_', target).strip('.')}"
        try:
            await self._connection.post(subject, msgspec.json.encode(entry))
        except ReconcilerError as error:
            log.warning("audit entry lost", subject=subject, error=str(error))
