"""All adapters on one connection to a whole fleet: the embedded one, or kanade's own programs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from reconciler.cli.roles import Role
from reconciler.jetstream.connection import Connection, connect
from reconciler.jetstream.options import NatsOptions
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.http import BackendClient, BackendOptions
from reconciler.kanade.http_jobs import HttpJobs, HttpRunner
from reconciler.kanade.http_objects import HttpObjects
from reconciler.kanade.http_write import BackendWriter
from reconciler.kanade.jobs import NatsCatalogue, NatsJobs
from reconciler.kanade.objects import NatsObjects
from reconciler.kanade.reports import NatsReports
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.identity import ExecId
from reconciler.model.report import RunFinished, RunStarted
from reconciler.ports import Jobs, Objects, Runner
from tests.contract.fleets import Fleet
from tests.contract.real_kanade import NATS_TOKEN
from tests.support.lease import LeaseOfOne
from tests.support.nats_users import options_for

Report = TypeVar("Report", RunStarted, RunFinished)


class WallClock:
    """Implements `ports.Clock` for processes that have clocks of their own."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 (the agents look at the real time)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """Everything on one connection, started; where NATS has roles, on a controller's."""

    fleet: Fleet
    connection: Connection
    admin: Connection
    """Somebody who may do everything."""
    client: BackendClient
    packages: NatsObjects
    catalogue: NatsCatalogue
    hosts: NatsFleet
    reports: NatsReports
    rung: asyncio.Event
    heard: list[RunStarted | RunFinished] = field(default_factory=list)

    @property
    def writer(self) -> BackendWriter:
        return BackendWriter(self.client, LeaseOfOne())

    def objects(self, way: str) -> Objects:
        return self.packages if way == "nats" else HttpObjects(self.writer, self.packages)

    def jobs(self, way: str) -> Jobs:
        if way == "nats":
            return NatsJobs(self.connection, self.catalogue)
        return HttpJobs(self.writer, self.catalogue)

    def runner(self, way: str) -> Runner:
        clock = WallClock()
        return (
            NatsRunner(self.connection, clock) if way == "nats" else HttpRunner(self.writer, clock)
        )

    async def started(self, exec_id: ExecId | None) -> RunStarted:
        """Wait until the run has begun."""
        return await self._report(exec_id, RunStarted)

    async def finished(self, exec_id: ExecId | None) -> RunFinished:
        """Wait until the run has ended; an agent may say so before it says that it began."""
        return await self._report(exec_id, RunFinished)

    async def _report(self, exec_id: ExecId | None, kind: type[Report]) -> Report:
        async with asyncio.timeout(60):
            while True:
                for report in self.heard:
                    if isinstance(report, kind) and report.exec_id == exec_id:
                        return report
                self.rung.clear()
                for delivery in await self.reports.take():
                    await delivery.acknowledge()
                    self.heard.append(delivery.report)
                    self.rung.set()
                await self.rung.wait()


@asynccontextmanager
async def adapters_of(fleet: Fleet) -> AsyncIterator[Adapters]:
    """Start every adapter on *fleet*."""
    url = fleet.client.connected_url
    assert url is not None
    anybody = NatsOptions(servers=(url.geturl(),), token=None if fleet.roles else NATS_TOKEN)
    options = options_for(Role.CONTROLLER, url.geturl()) if fleet.roles else anybody
    backend = BackendOptions(url=fleet.url, token=lambda: fleet.token)
    async with (
        await connect(options) as connection,
        await connect(anybody) as admin,
        BackendClient(backend, WallClock()) as client,
    ):
        rung = asyncio.Event()
        started = Adapters(
            fleet=fleet,
            connection=connection,
            admin=admin,
            client=client,
            packages=NatsObjects(connection, "app_packages"),
            catalogue=NatsCatalogue(connection),
            hosts=NatsFleet(connection, WallClock()),
            reports=NatsReports(connection, rung.set),
            rung=rung,
        )
        parts = (started.packages, started.catalogue, started.hosts, started.reports)
        for part in parts:
            await part.start()
        yield started
        for part in parts:
            await part.stop()
