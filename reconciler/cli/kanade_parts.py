"""kanade's adapters, opened together: everything of kanade's that a controller reads and writes."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from reconciler.apply.way import Way
from reconciler.jetstream.connection import Connection
from reconciler.kanade.agents import HttpAgentRollout, NatsAgentRollout, NatsAgents
from reconciler.kanade.audit import Audit
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.http import BackendClient, NoBackend
from reconciler.kanade.http_executions import HttpExecutions, NoExecutions
from reconciler.kanade.http_jobs import HttpJobs, HttpRunner
from reconciler.kanade.http_objects import HttpObjects
from reconciler.kanade.http_write import BackendWriter
from reconciler.kanade.jobs import NatsCatalogue, NatsJobs
from reconciler.kanade.names import APP_PACKAGES, SCRIPTS
from reconciler.kanade.objects import NatsObjects
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.attempt import Via
from reconciler.ports import Backend, Clock, Executions, Lease, Wake


@dataclass(frozen=True, kw_only=True)
class Kanade:
    """The adapters of kanade, each once."""

    packages: NatsObjects
    scripts: NatsObjects
    catalogue: NatsCatalogue
    fleet: NatsFleet
    agents: NatsAgents
    connection: Connection
    client: BackendClient | None
    audit: Audit

    @property
    def backend(self) -> Backend:
        """The backend, as far as there is one."""
        return self.client or NoBackend()

    @property
    def executions(self) -> Executions:
        """The backend's own table of its execs."""
        return HttpExecutions(self.client) if self.client is not None else NoExecutions()

    def ways(self, clock: Clock, lease: Lease) -> Mapping[Via, Way]:
        """Return how kanade is written to; through the backend only while *lease* is ours."""
        ways = {
            Via.NATS: Way(
                packages=self.packages,
                scripts=self.scripts,
                jobs=NatsJobs(self.connection, self.catalogue, self.audit),
                runner=NatsRunner(self.connection, clock, self.audit),
                agents=NatsAgentRollout(self.connection, self.audit),
            )
        }
        if self.client is not None:
            writer = BackendWriter(self.client, lease)
            ways[Via.HTTP] = Way(
                packages=HttpObjects(writer, self.packages),
                scripts=HttpObjects(writer, self.scripts),
                jobs=HttpJobs(writer, self.catalogue),
                runner=HttpRunner(writer, clock),
                agents=HttpAgentRollout(writer),
            )
        return ways


async def open_kanade(
    stack: AsyncExitStack,
    connection: Connection,
    client: BackendClient | None,
    clock: Clock,
    wake: Wake,
) -> Kanade:
    """Start every adapter; *stack* stops them.

    Raises:
        KanadeUnavailable: NATS does not answer.
        KanadeRefused: kanade's own buckets are not there.
    """
    audit = Audit(connection, clock)
    packages = NatsObjects(connection, APP_PACKAGES, wake, audit=audit)
    scripts = NatsObjects(connection, SCRIPTS, wake, audit=audit)
    catalogue = NatsCatalogue(connection, wake)
    fleet = NatsFleet(connection, clock, wake)
    agents = NatsAgents(connection, wake)
    for part in (packages, scripts, catalogue, fleet, agents):
        stack.push_async_callback(part.stop)
        await part.start()
    return Kanade(
        packages=packages,
        scripts=scripts,
        catalogue=catalogue,
        fleet=fleet,
        agents=agents,
        connection=connection,
        client=client,
        audit=audit,
    )
