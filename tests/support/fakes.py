"""All fakes of `reconciler/ports.py` on one `World`, put together as the real adapters are."""

from dataclasses import dataclass
from datetime import timedelta

from reconciler.apply.applier import Applier
from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.perform import Performer, Way
from reconciler.controller import Controller, Pass
from reconciler.model.attempt import Via
from reconciler.model.desired import Desired
from reconciler.model.identity import HostName
from reconciler.observe.observer import FleetObserver
from reconciler.plan.terms import Terms
from reconciler.revisions import Revisions
from reconciler.source.trigger import PendingWake
from tests.support.fake_agents import FakeAgent, obedient
from tests.support.fake_fleet import FakeFleet, FakeHttpRunner, FakeNatsRunner, FakeReports
from tests.support.fake_source import FakeArtifacts, FakeSecrets, FakeSource
from tests.support.fake_state import FakeBoard, FakeLeadership, FakeLedger
from tests.support.fake_stores import FakeBackend, FakeCatalogue, FakeJobs, FakeObjects
from tests.support.fake_world import World


@dataclass(frozen=True, kw_only=True)
class Fakes:
    """One controller's hold on a world: gone with it, made anew on the same world."""

    world: World
    packages: FakeObjects
    scripts: FakeObjects
    catalogue: FakeCatalogue
    fleet: FakeFleet
    reports: FakeReports
    lease: FakeLeadership
    ledger: FakeLedger
    board: FakeBoard
    source: FakeSource
    artifacts: FakeArtifacts
    secrets: FakeSecrets
    work: Pass
    revisions: Revisions

    def controller(self, resync: timedelta = timedelta(minutes=10)) -> Controller:
        """Return a controller that is woken by whatever changes in the world."""
        wake = PendingWake()
        self.world.wakes.append(wake)
        return Controller(
            work=self.work,
            revisions=self.revisions,
            lease=self.lease,
            clock=self.world.clock,
            resync=resync,
            wake=wake,
        )


def connect(world: World, instance: str = "one", terms: Terms | None = None) -> Fakes:
    """Return fakes on *world*, as a controller that starts has its adapters."""
    packages, scripts = FakeObjects(world, "app_packages"), FakeObjects(world, "scripts")
    catalogue, fleet = FakeCatalogue(world), FakeFleet(world)
    lease = FakeLeadership(world, instance)
    ledger, board = FakeLedger(world, lease), FakeBoard(world, lease)
    secrets, artifacts, source = FakeSecrets(world), FakeArtifacts(world=world), FakeSource(world)
    reports = FakeReports(world)
    jobs = FakeJobs(world, catalogue)
    ways = {
        via: Way(packages=packages, scripts=scripts, jobs=jobs, runner=runner)
        for via, runner in (
            (Via.NATS, FakeNatsRunner(world)),
            (Via.HTTP, FakeHttpRunner(world)),
        )
    }
    work = Pass(
        reports=reports,
        records=ledger,
        fleet=fleet,
        journal=ledger,
        observer=FleetObserver(
            packages=packages,
            scripts=scripts,
            catalogue=catalogue,
            fleet=fleet,
            backend=FakeBackend(world),
            records=ledger,
            secrets=secrets,
            clock=world.clock,
        ),
        performer=Performer(
            ways=ways,
            artifacts=artifacts,
            secrets=secrets,
            inventory=ledger,
            dispatcher=Dispatcher(journal=ledger, lease=lease, clock=world.clock),
        ),
        applier=Applier(clock=world.clock),
        board=board,
        clock=world.clock,
        terms=terms or Terms(),
        instance=instance,
        swept=(packages, scripts),
    )
    return Fakes(
        world=world,
        packages=packages,
        scripts=scripts,
        catalogue=catalogue,
        fleet=fleet,
        reports=reports,
        lease=lease,
        ledger=ledger,
        board=board,
        source=source,
        artifacts=artifacts,
        secrets=secrets,
        work=work,
        revisions=Revisions(source, world.clock),
    )


def populate(world: World, desired: Desired) -> dict[HostName, FakeAgent]:
    """Put an obedient agent on every host of *desired*, online and with nothing installed."""
    agents = {
        name: FakeAgent(name=name, world=world, programs=obedient(desired))
        for name in sorted(desired.hosts)
    }
    for agent in agents.values():
        agent.go_online()
    return agents
