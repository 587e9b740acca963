"""All readings of a pass, at the same time and under one deadline."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.desired.knobs import render_with
from reconciler.desired.script import CannotRender
from reconciler.errors import KanadeUnavailable, ReconcilerError, SecretUnavailable
from reconciler.model.desired import Desired
from reconciler.model.digest import Digest
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import UNSEEN, BackendState, Observed, Presence, Rendered
from reconciler.observe.job_check import JobCheck
from reconciler.plan.targets import targets_of
from reconciler.ports import Backend, Catalogue, Clock, Fleet, Reading, Records, Secrets, Store

_DEADLINE = timedelta(seconds=20)
_PING_AGAIN = timedelta(seconds=15)


@dataclass(kw_only=True)
class FleetObserver:
    """Implements `ports.Observer` on the adapters; it keeps nothing but when it last pinged."""

    packages: Store
    scripts: Store
    catalogue: Catalogue
    fleet: Fleet
    backend: Backend
    records: Records
    secrets: Secrets
    clock: Clock
    last_ping: float | None = None
    job_check: JobCheck = field(init=False)

    def __post_init__(self) -> None:
        self.job_check = JobCheck(self.backend)

    async def observe(self, desired: Desired, *, anew: bool = False) -> Observed:
        """See `ports.Observer`."""
        try:
            async with asyncio.timeout(_DEADLINE.total_seconds()):
                return await self._observe(desired, anew=anew)
        except TimeoutError as error:
            message = f"kanade could not be read within {_DEADLINE.total_seconds():g} s"
            raise KanadeUnavailable(message) from error

    async def _observe(self, desired: Desired, *, anew: bool) -> Observed:
        state = await self._refresh(anew=anew)
        up = state is BackendState.UP
        unfit = await self.job_check.unfit(desired) if up else {}
        await self._ping_the_unknown(desired)
        rendered, unrendered = self._render(desired)
        return Observed(
            packages=self.packages.stored(),
            scripts=self.scripts.stored(),
            rendered=rendered,
            unrendered=unrendered,
            jobs=self.catalogue.live(),
            unfit_jobs=unfit,
            hosts=self.fleet.hosts(),
            slots=self.fleet.slots(),
            freeze=self.fleet.freeze(),
            attempts=self.records.attempts(),
            proofs=self.records.proofs(),
            requests=self.records.requests(),
            owned_packages=self.records.owned_packages(),
            owned_scripts=self.records.owned_scripts(),
            backend=state,
        )

    async def _refresh(self, *, anew: bool) -> BackendState:
        readings: tuple[Reading, ...] = (
            self.packages,
            self.scripts,
            self.catalogue,
            self.fleet,
            self.records,
        )
        if anew:
            self.job_check.forget()
        try:
            async with asyncio.TaskGroup() as group:
                state = group.create_task(self.backend.state())
                for reading in readings:
                    group.create_task(reading.resync() if anew else reading.refresh())
        except* ReconcilerError as failed:
            raise _innermost(failed) from failed
        return state.result()

    async def _ping_the_unknown(self, desired: Desired) -> None:
        """Ask the targets that nobody has heard of: after a start that is all of them."""
        now = self.clock.monotonic()
        if self.last_ping is not None and now - self.last_ping < _PING_AGAIN.total_seconds():
            return
        known = self.fleet.hosts()
        bare = Observed(hosts=known)
        wanted = {
            host for release in desired.releases for host in targets_of(release, desired, bare)
        }
        silent = frozenset(
            host for host in wanted if known.get(host, UNSEEN).presence is Presence.UNKNOWN
        )
        if silent:
            await self.fleet.ping(silent)
            self.last_ping = self.clock.monotonic()

    def _render(
        self, desired: Desired
    ) -> tuple[Mapping[ReleaseName, Rendered], Mapping[ReleaseName, str]]:
        """Say what each script is with today's secrets, without keeping it."""
        rendered: dict[ReleaseName, Rendered] = {}
        unrendered: dict[ReleaseName, str] = {}
        for release in desired.releases:
            try:
                text = render_with(release.script, self.secrets.resolve)
            except (SecretUnavailable, CannotRender) as error:
                unrendered[release.name] = str(error)
            else:
                digest = Digest.of(text)
                rendered[release.name] = Rendered(digest=digest, size_bytes=len(text))
        return rendered, unrendered


def _innermost(group: BaseExceptionGroup[ReconcilerError]) -> ReconcilerError:
    """Return the first error of a group, however deep it is."""
    first = group.exceptions[0]
    return _innermost(first) if isinstance(first, BaseExceptionGroup) else first
