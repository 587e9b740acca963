"""Settings to a controller's working parts; those of kanade are put together in `kanade_parts`."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from reconciler.apply.applier import Applier
from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.last_look import LastLook
from reconciler.apply.perform import Performer, Watch
from reconciler.apply.removal import Remover
from reconciler.apply.revert import Reverter
from reconciler.cli.clock import SystemClock
from reconciler.cli.kanade_parts import Kanade, open_kanade
from reconciler.cli.links import (
    downloader_of,
    local_repository,
    open_backend,
    open_connection,
    open_reverts,
    open_source,
    script_secrets_of,
)
from reconciler.cli.lock import only_one
from reconciler.cli.own_state import OwnState, open_own_state
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import Settings
from reconciler.cli.settings.values import OfferRevert
from reconciler.cli.state_dir import prepare_state_dir
from reconciler.jetstream.connection import Connection
from reconciler.kanade.agent_logs import NatsAgentLogs
from reconciler.kanade.reports import NatsReports
from reconciler.kanade.services import open_services
from reconciler.observe.doubt import Doubts
from reconciler.observe.evidence import EvidenceWatch
from reconciler.observe.health import HealthWatch
from reconciler.observe.observer import FleetObserver
from reconciler.observe.signature_check import SignatureCheck
from reconciler.passes import Pass
from reconciler.plan.terms import Mode, Terms
from reconciler.ports import Clock, Reverts, Sweep
from reconciler.revisions import Revisions
from reconciler.source.artifact import ArtifactStore
from reconciler.source.build import Builder
from reconciler.source.git import GitSource
from reconciler.source.ssh_keygen import SshSeals
from reconciler.source.trigger import PendingWake, Signal, Timer, Trigger
from reconciler.source.watch import RepositoryWatch

_BUILD_DEADLINE = timedelta(hours=1)


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    *,
    leader: bool,
    observe_only: bool = False,
    watch: Watch = lambda _, content: content,
) -> AsyncIterator[Runtime]:
    """Connect everything; without *leader* nothing is made or written anywhere.

    With *observe_only* a leader writes its own state, and probes.

    Raises:
        UsageError: the settings or this machine do not allow it.
        KanadeUnavailable: NATS does not answer.
        KanadeRefused: kanade's own buckets are not there.
    """
    clock, wake = SystemClock(), PendingWake()
    async with AsyncExitStack() as stack:
        state_dir = prepare_state_dir(settings.controller.state_dir)
        if leader:
            stack.enter_context(only_one(state_dir))
        source = stack.enter_context(open_source(settings))
        reverts = await stack.enter_async_context(open_reverts(settings, source))
        connection = await stack.enter_async_context(open_connection(settings))
        client = await stack.enter_async_context(open_backend(settings))
        kanade = await open_kanade(stack, connection, client, clock, wake)
        own = await stack.enter_async_context(
            open_own_state(connection, settings.controller.instance, clock, wake, create=leader)
        )
        services = await stack.enter_async_context(open_services())
        health = HealthWatch(services, clock, wake)
        secrets = script_secrets_of(settings)
        evidence = EvidenceWatch(NatsAgentLogs(connection), own.ledger, secrets, clock)
        reports = NatsReports(connection, wake)
        stack.push_async_callback(reports.stop)
        await stack.enter_async_context(_left_at_once(connection))
        terms = _terms(settings, observe_only=observe_only)
        yield Runtime(
            work=Pass(
                reports=reports,
                records=own.records,
                fleet=kanade.fleet,
                journal=own.ledger,
                doubts=Doubts(executions=kanade.executions, clock=clock),
                observer=_observer(settings, own, kanade, health, evidence),
                performer=replace(_performer(settings, source, own, kanade, reverts), watch=watch),
                applier=Applier(clock=clock, inventory=own.ledger),
                board=own.board,
                clock=clock,
                terms=terms,
                instance=settings.controller.instance,
                swept=_swept(kanade, terms),
            ),
            revisions=Revisions(source, clock),
            lease=own.lease,
            clock=clock,
            wake=wake,
            wake_source=PendingWake(),
            triggers=_triggers(settings, clock),
            connection=connection,
            health=health,
            evidence=evidence,
            own=own,
        )


@asynccontextmanager
async def _left_at_once(connection: Connection) -> AsyncIterator[None]:
    """When we are cancelled, end the connection before all parts that would take leave over it."""
    try:
        yield
    except asyncio.CancelledError:
        await connection.close()
        raise


def _terms(settings: Settings, *, observe_only: bool) -> Terms:
    controller = settings.controller
    return Terms(
        mode=Mode(controller.mode),
        dispatch_deadline=controller.dispatch_deadline,
        observe_only=observe_only,
        offer_revert=settings.source.offer_revert is OfferRevert.BRANCH,
        prune=controller.prune,
        prune_limit=controller.prune_limit,
    )


def _swept(kanade: Kanade, terms: Terms) -> tuple[Sweep, ...]:
    """Return the stores that uploads over NATS may leave chunks in."""
    uploads = not terms.observe_only and terms.mode is not Mode.BACKEND
    return (kanade.packages, kanade.scripts) if uploads else ()


def _observer(
    settings: Settings,
    own: OwnState,
    kanade: Kanade,
    health: HealthWatch,
    evidence: EvidenceWatch,
) -> FleetObserver:
    return FleetObserver(
        packages=kanade.packages,
        scripts=kanade.scripts,
        catalogue=kanade.catalogue,
        fleet=kanade.fleet,
        agents=kanade.agents,
        backend=kanade.backend,
        records=own.records,
        secrets=script_secrets_of(settings),
        clock=SystemClock(),
        health=health,
        evidence=evidence,
        approvals=SignatureCheck(seals=_seals(settings)),
    )


def _performer(
    settings: Settings,
    source: GitSource,
    own: OwnState,
    kanade: Kanade,
    reverts: Reverts,
) -> Performer:
    controller, clock = settings.controller, SystemClock()
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
        downloader=downloader_of(settings),
        roots=controller.artifact_roots,
        builder=builder if controller.allow_builds else None,
        max_artifact_bytes=controller.max_artifact_bytes,
    )
    secrets = script_secrets_of(settings)
    return Performer(
        ways=kanade.ways(clock, own.lease),
        artifacts=artifacts,
        secrets=secrets,
        inventory=own.ledger,
        archive=own.ledger,
        dispatcher=Dispatcher(
            journal=own.ledger,
            lease=own.lease,
            last_look=LastLook(fleet=kanade.fleet, records=own.records, clock=clock),
            clock=clock,
        ),
        remover=Remover(
            inventory=own.ledger, archive=own.ledger, records=own.records, lease=own.lease
        ),
        reverter=Reverter(reverts=reverts, secrets=secrets, archive=own.ledger),
    )


def _seals(settings: Settings) -> SshSeals | None:
    signers = settings.approval.allowed_signers
    return SshSeals(signers) if signers is not None else None


def _triggers(settings: Settings, clock: Clock) -> tuple[Trigger, ...]:
    """What says that the repository may have changed."""
    triggers: list[Trigger] = [Timer(clock, random.random, settings.source.interval), Signal()]
    repository = local_repository(settings)
    if repository is not None:
        triggers.append(RepositoryWatch(repository, clock))
    return tuple(triggers)
