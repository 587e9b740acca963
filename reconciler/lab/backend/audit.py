"""Who did what: published on a stream, and read back from it."""

from dataclasses import dataclass

from aiohttp import web
from nats.aio.client import Client

from reconciler.lab import wire

ACTOR = "operator"
SERVICE = "service-token"
_SOURCE_HEADER = "X-Kanade-Source"


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One entry; its id is its place in the stream."""

    id: int
    entry: wire.Document

    def as_json(self) -> wire.Document:
        """Return the row as the API shows it."""
        return {"id": self.id, **self.entry}


class AuditLog:
    """The entries so far, and the way to add one."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.rows: list[AuditRow] = []

    async def record(
        self, request: web.Request, action: str, target: str, payload: wire.Document
    ) -> str:
        """Publish an entry, without waiting for the stream to have it; return its time."""
        source = request.headers.get(_SOURCE_HEADER, "").strip()
        named: wire.Document = {"sub": SERVICE}
        if source:
            named["source"] = source
        now = wire.now()
        entry: wire.Document = {
            "actor": ACTOR,
            "action": action,
            "target": target,
            "payload": dict(sorted((named | payload).items())),
            "occurred_at": now,
        }
        subject = f"audit.{ACTOR}.{action}.{target}"
        await self._client.publish(subject, wire.encode(entry))
        return now
