"""What is wired together for one command: the loop's parts, or those of a single pass."""

import asyncio
from dataclasses import dataclass

from reconciler.cli.own_state import OwnState
from reconciler.jetstream.connection import Connection
from reconciler.observe.evidence import EvidenceWatch
from reconciler.observe.health import HealthWatch
from reconciler.passes import Pass
from reconciler.ports import Clock, Leadership
from reconciler.revisions import Revisions
from reconciler.source.trigger import PendingWake, Trigger


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """All that the loop needs, and all that a single pass needs."""

    work: Pass
    revisions: Revisions
    lease: Leadership
    clock: Clock
    wake: PendingWake
    wake_source: PendingWake
    triggers: tuple[Trigger, ...]
    connection: Connection
    health: HealthWatch
    evidence: EvidenceWatch
    own: OwnState

    async def watch_hosts(self) -> None:
        """Ask services and agents beside the passes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.health.run())
            group.create_task(self.evidence.run())
