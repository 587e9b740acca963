"""Settings to a controller's working parts: the only place that names every adapter."""

import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.apply.applier import Applier
from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.perform import Performer, Watch, Way
from reconciler.cli.clock import SystemClock
from reconciler.cli.links import (
    local_repository,
    open_backend,
    open_connection,
    open_source,
    script_secrets_of,
)
from reconciler.cli.lock import only_one
from reconciler.cli.own_state import OwnState, open_own_state
from reconciler.cli.settings import Settings
from reconciler.cli.state_dir import prepare_state_dir
from reconciler.controller import Pass
from reconciler.jetstream.connection import Connection
from reconciler.kanade.audit import Audit
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.http import BackendClient, NoBackend
from reconciler.kanade.http_jobs import HttpJobs, HttpRunner
from reconciler.kanade.http_objects import HttpObjects
from reconciler.kanade.jobs import NatsCatalogue, NatsJobs
from reconciler.kanade.names import APP_PACKAGES, SCRIPTS
from reconciler.kanade.objects import NatsObjects
from reconciler.kanade.reports import NatsReports
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.attempt import Via
from reconciler.observe.observer import FleetObserver
from reconciler.plan.terms import Mode, Terms
from reconciler.ports import Backend, Clock, Leadership, Wake
from reconciler.revisions import Revisions
from reconciler.source.address import AddressRules
from reconciler.source.artifact import ArtifactStore
from reconciler.source.build import Builder
from reconciler.source.download import Downloader
from reconciler.source.git import GitSource
from reconciler.source.trigger import PendingWake, Signal, Timer, Trigger
from reconciler.source.watch import RepositoryWatch

_DOWNLOAD_DEADLINE = timedelta(hours=1)
_DOWNLOAD_STALLED = timedelta(seconds=60)
_BUILD_DEADLINE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """All that the loop needs, and all that a single pass needs."""

    work: Pass
    revisions: Revisions
    lease: Leadership
    clock: Clock
    wake: PendingWake
    wake_source: PendingWake
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, kw_only=True)
class _Kanade:
    """The adapters, each once."""

    packages: NatsObjects
    scripts: NatsObjects
    catalogue: NatsCatalogue
    fleet: NatsFleet
    ways: Mapping[Via, Way]
    backend: Backend


@asynccontextmanager
async def open_workshop(
    settings: Settings, *, leader: bool, watch: Watch = lambda _, content: content
) -> AsyncIterator[Workshop]:
    """Connect everything; without *leader* nothing is made or written anywhere.

    Raises:
        UsageError: the settings or this machine do not allow it.
        KanadeUnavailable: NATS does not answer.
        KanadeRefused: kanade's own buckets are not there.
    """
    clock, wake, wake_source = SystemClock(), PendingWake(), PendingWake()
    async with AsyncExitStack() as stack:
        state_dir = prepare_state_dir(settings.controller.state_dir)
        if leader:
            stack.enter_context(only_one(state_dir))
        source = stack.enter_context(open_source(settings))
        connection = await stack.enter_async_context(open_connection(settings))
        client = await stack.enter_async_context(open_backend(settings))
        kanade = await _open_kanade(stack, connection, client, clock, wake)
        own = await stack.enter_async_context(
            open_own_state(connection, settings.controller.instance, clock, wake, create=leader)
        )
        reports = NatsReports(connection, wake)
        if leader:
            await reports.start()
            stack.push_async_callback(reports.stop)
        yield Workshop(
            work=Pass(
                reports=reports,
                records=own.records,
                fleet=kanade.fleet,
                journal=own.ledger,
                observer=FleetObserver(
                    packages=kanade.packages,
                    scripts=kanade.scripts,
                    catalogue=kanade.catalogue,
                    fleet=kanade.fleet,
                    backend=kanade.backend,
                    records=own.records,
                    secrets=script_secrets_of(settings),
                    clock=clock,
                ),
                performer=replace(_performer(settings, source, own, kanade, clock), watch=watch),
                applier=Applier(clock=clock),
                board=own.board,
                clock=clock,
                terms=Terms(
                    mode=Mode(settings.controller.mode),
                    dispatch_deadline=settings.controller.dispatch_deadline,
                ),
                instance=settings.controller.instance,
                swept=(kanade.packages, kanade.scripts),
            ),
            revisions=Revisions(source, clock),
            lease=own.lease,
            clock=clock,
            wake=wake,
            wake_source=wake_source,
            triggers=_triggers(settings, clock),
        )


async def _open_kanade(
    stack: AsyncExitStack,
    connection: Connection,
    client: BackendClient | None,
    clock: Clock,
    wake: Wake,
) -> _Kanade:
    audit = Audit(connection, clock)
    packages = NatsObjects(connection, APP_PACKAGES, wake, audit=audit)
    scripts = NatsObjects(connection, SCRIPTS, wake, audit=audit)
    catalogue = NatsCatalogue(connection, wake)
    fleet = NatsFleet(connection, clock, wake)
    for part in (packages, scripts, catalogue, fleet):
        stack.push_async_callback(part.stop)
        await part.start()
    ways = {
        Via.NATS: Way(
            packages=packages,
            scripts=scripts,
            jobs=NatsJobs(connection, catalogue, audit),
            runner=NatsRunner(connection, clock, audit),
        )
    }
    if client is not None:
        ways[Via.HTTP] = Way(
            packages=HttpObjects(client, packages),
            scripts=HttpObjects(client, scripts),
            jobs=HttpJobs(client, catalogue),
            runner=HttpRunner(client, clock),
        )
    return _Kanade(
        packages=packages,
        scripts=scripts,
        catalogue=catalogue,
        fleet=fleet,
        ways=ways,
        backend=client or NoBackend(),
    )


def _performer(
    settings: Settings, source: GitSource, own: OwnState, kanade: _Kanade, clock: Clock
) -> Performer:
    controller = settings.controller
    spool = controller.state_dir / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    builder = Builder(
        open_blob=source.open_blob,
        folder=controller.state_dir / "builds",
        deadline=_BUILD_DEADLINE,
        max_output_bytes=controller.max_artifact_bytes,
        environment=os.environ,
    )
    artifacts = ArtifactStore(
        open_blob=source.open_blob,
        spool_folder=spool,
        downloader=Downloader(
            rules=AddressRules(allow_loopback=controller.allow_http_loopback),
            deadline=_DOWNLOAD_DEADLINE,
            stalled_after=_DOWNLOAD_STALLED,
        ),
        roots=controller.artifact_roots,
        builder=builder if controller.allow_builds else None,
        max_artifact_bytes=controller.max_artifact_bytes,
    )
    return Performer(
        ways=kanade.ways,
        artifacts=artifacts,
        secrets=script_secrets_of(settings),
        inventory=own.ledger,
        dispatcher=Dispatcher(journal=own.ledger, lease=own.lease, clock=clock),
    )


def _triggers(settings: Settings, clock: Clock) -> tuple[Trigger, ...]:
    """What says that the repository may have changed."""
    triggers: list[Trigger] = [Timer(clock, random.random, settings.source.interval), Signal()]
    repository = local_repository(settings)
    if repository is not None:
        triggers.append(RepositoryWatch(repository, clock))
    return tuple(triggers)
