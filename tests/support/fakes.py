"""All fakes of `reconciler/ports` on one `World`, put together as the real adapters are."""

from dataclasses import dataclass
from datetime import timedelta

from reconciler.apply.applier import Applier
from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.last_look import LastLook
from reconciler.apply.perform import Performer
from reconciler.apply.removal import Remover
from reconciler.apply.revert import Reverter
from reconciler.apply.way import Way
from reconciler.cli.own_state import OwnState
from reconciler.controller import Controller
from reconciler.model.attempt import Via
from reconciler.model.desired import Desired
from reconciler.model.identity import HostName
from reconciler.observe.doubt import Doubts
from reconciler.observe.observer import FleetObserver
from reconciler.passes import Pass
from reconciler.plan.terms import Terms
from reconciler.ports import Clock, HealthBook
from reconciler.revisions import Revisions
from reconciler.source.trigger import PendingWake
from reconciler.state.board import KvBoard
from reconciler.state.lease import KvLease
from reconciler.state.ledger import Ledger
from tests.support.fake_agent_releases import FakeAgents
from tests.support.fake_agents import FakeAgent, obedient
from tests.support.fake_fleet import (
    FakeExecutions,
    FakeFleet,
    FakeHttpRunner,
    FakeNatsRunner,
    FakeReports,
)
from tests.support.fake_source import FakeArtifacts, FakeReverts, FakeSecrets, FakeSource
from tests.support.fake_state import HeldState, hold_state
from tests.support.fake_stores import FakeBackend, FakeCatalogue, FakeJobs, FakeObjects
from tests.support.fake_world import World
from tests.support.nobody import NobodyAsked, NobodyFetches


@dataclass(frozen=True, kw_only=True)
class Fakes:
    """One controller's hold on a world: gone with it, made anew on the same world."""

    world: World
    packages: FakeObjects
    scripts: FakeObjects
    catalogue: FakeCatalogue
    fleet: FakeFleet
    reports: FakeReports
    lease: KvLease
    ledger: Ledger
    board: KvBoard
    source: FakeSource
    artifacts: FakeArtifacts
    secrets: FakeSecrets
    work: Pass
    revisions: Revisions
    clock: Clock

    def controller(self, resync: timedelta = timedelta(minutes=10)) -> Controller:
        """Return a controller that is woken by whatever changes in the world."""
        wake = PendingWake()
        self.world.wakes.append(wake)
        return Controller(
            work=self.work,
            revisions=self.revisions,
            lease=self.lease,
            clock=self.clock,
            resync=resync,
            wake=wake,
        )


def connect(
    world: World,
    instance: str = "one",
    terms: Terms | None = None,
    health: HealthBook | None = None,
    own: HeldState | OwnState | None = None,
    clock: Clock | None = None,
) -> Fakes:
    """Return fakes on *world*, as a controller that starts has its adapters.

    Its *own* state is opened at its first use, unless it is open already.
    """
    clock = clock or world.clock
    own = own or hold_state(world, instance, clock)
    packages, scripts = FakeObjects(world, "app_packages"), FakeObjects(world, "scripts")
    catalogue, fleet = FakeCatalogue(world), FakeFleet(world, clock)
    lease, ledger, records, board = own.lease, own.ledger, own.records, own.board
    secrets, artifacts, source = FakeSecrets(world), FakeArtifacts(world=world), FakeSource(world)
    reports, agents = FakeReports(world), FakeAgents(world)
    jobs = FakeJobs(world, catalogue)
    ways = {
        via: Way(packages=packages, scripts=scripts, jobs=jobs, runner=runner, agents=agents)
        for via, runner in (
            (Via.NATS, FakeNatsRunner(world, clock)),
            (Via.HTTP, FakeHttpRunner(world, clock)),
        )
    }
    work = Pass(
        reports=reports,
        records=records,
        fleet=fleet,
        journal=ledger,
        doubts=Doubts(executions=FakeExecutions(world), clock=clock),
        observer=FleetObserver(
            packages=packages,
            scripts=scripts,
            catalogue=catalogue,
            fleet=fleet,
            agents=agents,
            backend=FakeBackend(world),
            records=records,
            secrets=secrets,
            clock=clock,
            health=health or NobodyAsked(),
            evidence=NobodyFetches(),
        ),
        performer=Performer(
            ways=ways,
            artifacts=artifacts,
            secrets=secrets,
            inventory=ledger,
            archive=ledger,
            dispatcher=Dispatcher(
                journal=ledger,
                lease=lease,
                last_look=LastLook(fleet=fleet, records=records, clock=clock),
                clock=clock,
            ),
            remover=Remover(inventory=ledger, archive=ledger, records=records, lease=lease),
            reverter=Reverter(reverts=FakeReverts(world), secrets=secrets, archive=ledger),
        ),
        applier=Applier(clock=clock, inventory=ledger),
        board=board,
        clock=clock,
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
        revisions=Revisions(source, clock),
        clock=clock,
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
