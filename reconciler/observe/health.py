"""Checks the health of services beside the passes, and remembers since when it is as it is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from reconciler.model.desired import Desired
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.observed import Health, Observed
from reconciler.plan.courses import variants
from reconciler.plan.targets import targets_of
from reconciler.ports import Clock, HealthTarget, Services, Wake

Key: TypeAlias = tuple[ReleaseName, HostName]

_AT_ONCE = 32


def targets_to_ask(desired: Desired, observed: Observed) -> dict[Key, HealthTarget]:
    """Return the services to ask: those that are seen to run what they should.

    The mark is that evidence, so what was answered before an install is not held against it.
    """
    found: dict[Key, HealthTarget] = {}
    for release in desired.releases:
        check = release.verify.http
        if check is None:
            continue
        wanted = {one.artifact.digest: one.version for one in variants(release, observed)}
        for host in targets_of(release, desired, observed):
            proof = observed.proofs.get((release.package, host))
            latest = proof.latest if proof is not None else None
            if latest is not None and latest.running and latest.digest in (None, *wanted):
                shown = latest.version if latest.digest is None else wanted[latest.digest]
                found[release.name, host] = HealthTarget(check, mark=latest.id, version=shown)
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one service, and when to ask it again, by the monotonic clock."""

    target: HealthTarget
    ask_at: float
    bad: int = 0
    health: Health | None = None


class HealthWatch:
    """Implements `ports.HealthBook`; a restart forgets everything, which only asks again."""

    def __init__(self, services: Services, clock: Clock, wake: Wake) -> None:
        self._services = services
        self._clock = clock
        self._wake = wake
        self._known: dict[Key, _Known] = {}
        self._changed = asyncio.Event()

    def follow(self, wanted: Mapping[Key, HealthTarget]) -> None:
        """See `ports.HealthBook`."""
        if {key: known.target for key, known in self._known.items()} == dict(wanted):
            return
        now = self._clock.monotonic()
        self._known = {
            key: known
            if (known := self._known.get(key)) is not None and known.target == target
            else _Known(target, ask_at=now)
            for key, target in wanted.items()
        }
        self._changed.set()

    def read(self) -> Mapping[Key, Health]:
        """See `ports.HealthBook`."""
        return {key: known.health for key, known in self._known.items() if known.health is not None}

    async def run(self) -> None:
        """Ask the services that are due, until cancelled."""
        while True:
            self._changed.clear()
            await self.ask_due()
            await self._rest()

    async def ask_due(self) -> bool:
        """Ask whoever is due, once; false where nobody is."""
        now = self._clock.monotonic()
        due = [key for key, known in self._known.items() if known.ask_at <= now]
        gate = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for key in due:
                group.create_task(self._ask(key, gate))
        return bool(due)

    async def _rest(self) -> None:
        """Wait until the next one is due, or others are to be asked."""
        moments = [known.ask_at for known in self._known.values()]
        wait = max(min(moments) - self._clock.monotonic(), 0) if moments else None
        try:
            async with asyncio.timeout(wait):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _wrong(self, target: HealthTarget, host: HostName) -> str | None:
        check = target.check
        wrong = await self._services.ask(check.url.replace("{host}", host))
        if wrong is not None or check.version_url is None or target.version is None:
            return wrong
        url = check.version_url.replace("{host}", host)
        return await self._services.ask(url, target.version)

    async def _ask(self, key: Key, gate: asyncio.Semaphore) -> None:
        known = self._known[key]
        check = known.target.check
        async with gate:
            wrong = await self._wrong(known.target, key[1])
        if self._known.get(key) is not known:
            return
        bad = 0 if wrong is None else known.bad + 1
        is_settled = bad == 0 or bad >= check.failures
        health = _next(known.health, wrong, self._clock.now()) if is_settled else known.health
        again = self._clock.monotonic() + check.every.total_seconds()
        self._known[key] = replace(known, ask_at=again, bad=bad, health=health)
        if health != known.health:
            self._wake()


def _next(old: Health | None, wrong: str | None, now: datetime) -> Health:
    ok = wrong is None
    if old is not None and old.ok == ok:
        return replace(old, message=wrong or "")
    return Health(ok=ok, since=now, message=wrong or "")
