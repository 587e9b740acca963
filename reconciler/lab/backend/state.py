"""Everything that a request handler can reach."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from nats.aio.client import Client

from reconciler.lab import names
from reconciler.lab.backend.audit import AuditLog
from reconciler.lab.backend.hosts import Hosts
from reconciler.lab.backend.projection import ExecutionRow, Projection
from reconciler.lab.backend.settings import BackendSettings
from reconciler.lab.bucket import Bucket
from reconciler.lab.objects import ObjectStore


@dataclass(frozen=True, kw_only=True)
class State:
    """The backend's connections and what it has projected."""

    settings: BackendSettings
    client: Client
    hosts: Hosts
    audit: AuditLog
    projection: Projection = field(default_factory=Projection)

    def bucket(self, name: str) -> Bucket:
        """Return a key-value bucket."""
        return Bucket(self.client.jetstream(), name)

    def store(self, name: str) -> ObjectStore:
        """Return an object store."""
        return ObjectStore(self.client, name)

    def executions(self) -> list[tuple[ExecutionRow, str]]:
        """Return every exec with its status, the newest first."""
        now = datetime.now(UTC)
        rows = sorted(
            self.projection.executions.values(), key=lambda row: row.initiated_at, reverse=True
        )
        return [(row, self.projection.status_of(row, now)) for row in rows]

    @property
    def jobs(self) -> Bucket:
        """The job catalogue."""
        return self.bucket(names.JOBS)


STATE = web.AppKey("state", State)


def state_of(request: web.Request) -> State:
    """Return the state of the application that serves *request*."""
    return request.app[STATE]
