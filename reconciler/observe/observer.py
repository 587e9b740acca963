"""All readings of a pass, at the same time and under one deadline."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.errors import KanadeUnavailable, ReconcilerError, first_of
from reconciler.model.desired import Desired
from reconciler.model.identity import HostName, JobId
from reconciler.model.observed import (
    BackendState,
    LiveJob,
    Observed,
    Room,
)
from reconciler.observe.evidence import logs_to_ask
from reconciler.observe.health import targets_to_ask
from reconciler.observe.job_check import JobCheck
from reconciler.observe.rendering import render_all
from reconciler.observe.signature_check import SignatureCheck
from reconciler.observe.silence import hosts_to_ping
from reconciler.plan.courses import variants
from reconciler.plan.publish import to_publish
from reconciler.plan.terms import Terms
from reconciler.ports import (
    Agents,
    Backend,
    Catalogue,
    Clock,
    EvidenceBook,
    Fleet,
    HealthBook,
    Reading,
    Records,
    Secrets,
    Store,
)

_DEADLINE = timedelta(seconds=20)
_PING_AGAIN = timedelta(seconds=15)


@dataclass(kw_only=True)
class FleetObserver:
    """Implements `ports.Observer` on the adapters; it keeps nothing but whom it has pinged when."""

    packages: Store
    scripts: Store
    catalogue: Catalogue
    fleet: Fleet
    agents: Agents
    backend: Backend
    records: Records
    secrets: Secrets
    clock: Clock
    health: HealthBook
    evidence: EvidenceBook
    approvals: SignatureCheck = field(default_factory=SignatureCheck)
    terms: Terms = field(default_factory=Terms)
    pinged: dict[HostName, float] = field(default_factory=dict)
    job_check: JobCheck = field(init=False)

    def __post_init__(self) -> None:
        self.job_check = JobCheck(self.backend)

    async def observe(self, desired: Desired, *, resync: bool = False) -> Observed:
        """See `ports.Observer`."""
        try:
            async with asyncio.timeout(_DEADLINE.total_seconds()):
                return await self._observe(desired, resync=resync)
        except TimeoutError as error:
            message = f"kanade could not be read within {_DEADLINE.total_seconds():g} s"
            raise KanadeUnavailable(message) from error

    async def _observe(self, desired: Desired, *, resync: bool) -> Observed:
        state = await self._refresh(resync=resync)
        up = state is BackendState.UP
        unfit = await self.job_check.unfit(desired) if up else {}
        await self._ping_the_silent(desired)
        observed = Observed(
            packages=self.packages.stored(),
            scripts=self.scripts.stored(),
            jobs=_remembered(self.catalogue.live(), self.records.retired_jobs()),
            unfit_jobs=unfit,
            hosts=self.fleet.hosts(),
            slots=self.fleet.slots(),
            freeze=self.fleet.freeze(),
            attempts=self.records.attempts(),
            unread_installs=self.records.unread_installs(),
            proofs=self.records.proofs(),
            runs=self.records.runs(),
            requests=await self.approvals.checked(self.records.requests(), desired),
            owned_packages=self.records.owned_packages(),
            owned_scripts=self.records.owned_scripts(),
            owned_jobs=self.records.owned_jobs(),
            records=self.records.release_records(),
            approved=self.records.approved(),
            quarantine=self.records.quarantines(),
            offers=self.records.offers(),
            agent_releases=self.agents.releases(),
            agent_targets=self.agents.targets(),
            backend=state,
        )
        kept, now = self.records.logs(), self.clock.now()
        self.evidence.follow(logs_to_ask(desired, observed, kept, now))
        self.health.follow(targets_to_ask(desired, observed))
        observed = replace(observed, health=self.health.read())
        rendered, unrendered = render_all(desired, observed, self.secrets)
        observed = replace(observed, rendered=rendered, unrendered=unrendered)
        return replace(observed, room=await self._room(desired, observed))

    async def _room(self, desired: Desired, observed: Observed) -> Room:
        """Ask for room where something is to be published; it is no use otherwise."""
        wanted = [one for item in desired.releases for one in variants(item, observed)]
        if not any(to_publish(one, observed) for one in wanted):
            return Room()
        packages, scripts = await asyncio.gather(self.packages.room(), self.scripts.room())
        return Room(packages=packages, scripts=scripts)

    async def _refresh(self, *, resync: bool) -> BackendState:
        readings: tuple[Reading, ...] = (
            self.packages,
            self.scripts,
            self.catalogue,
            self.fleet,
            self.agents,
            self.records,
        )
        if resync:
            self.job_check.forget()
        try:
            async with asyncio.TaskGroup() as group:
                state = group.create_task(self.backend.state())
                for reading in readings:
                    group.create_task(reading.resync() if resync else reading.refresh())
        except* ReconcilerError as failed:
            raise first_of(failed) from failed
        return state.result()

    async def _ping_the_silent(self, desired: Desired) -> None:
        """Ping the hosts whose presence is unknown, each every now and then."""
        hosts, attempts = self.fleet.hosts(), self.records.attempts()
        silent = hosts_to_ping(desired, hosts, attempts, self.clock.now(), self.terms)
        recent = self.clock.monotonic() - _PING_AGAIN.total_seconds()
        self.pinged = {host: at for host, at in self.pinged.items() if at > recent}
        due = silent.difference(self.pinged)
        if due:
            await self.fleet.ping(due)
            self.pinged |= dict.fromkeys(due, self.clock.monotonic())


def _remembered(
    live: Mapping[JobId, LiveJob], retired: frozenset[JobId]
) -> Mapping[JobId, LiveJob]:
    """Distinguish what we have deleted ourselves from what people have taken out of use."""
    ours = {job: replace(live[job], retired=True, revoked=False) for job in retired & live.keys()}
    return {**live, **ours} if ours else live
