"""An emergency stop: what we have sent is taken back or killed, straight over NATS.

It works beside a controller that leads, and without one: the suspension that was written before
keeps a leader from sending anything more, and what it was about to send then is caught here.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from reconciler.cli.status_client import StatusClient
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.kanade.fleet import slot_of
from reconciler.kanade.names import EXEC, commands_of, kill_of
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.observed import Slot
from reconciler.observe.witness import witness
from reconciler.plan.endings import ending
from reconciler.plan.terms import Terms
from reconciler.ports import Clock
from reconciler.state.names import JOURNAL, STATE_BUCKET
from reconciler.state.table import Table

_RECHECK_AFTER = timedelta(milliseconds=300)
_CALM = timedelta(seconds=1.2)
"""As long as a start may take to be heard of: who had the command already may begin it yet."""

_Key = tuple[HostName, Purpose]
_Attempts = Table[tuple[ReleaseName, HostName, Purpose], Attempt]


class StopResult(StrEnum):
    """How a command of ours ended."""

    WITHDRAWN = "taken back before it began"
    ENDED = "it has ended"
    ASKED = "asked to stop; it has not answered yet"


@dataclass(frozen=True, kw_only=True)
class Halt:
    """What an emergency stop has come to, so far."""

    results: Mapping[_Key, StopResult]
    confirmed: bool
    """A controller has reported that the release stands still."""

    @property
    def done(self) -> bool:
        """True when nothing is left to wait for."""
        return self.confirmed and StopResult.ASKED not in self.results.values()


async def halt(client: StatusClient, release: ReleaseName, patience: timedelta) -> Halt:
    """Take back and kill everything of *release*, again and again until it is quiet.

    Raises:
        Unauthorized: our credential may not take messages out of EXEC.
    """
    results: dict[_Key, StopResult] = {}
    clock = client.clock
    begun = calm_since = clock.monotonic()
    async with _journal(client.connection) as (mirror, attempts):
        while True:
            await mirror.refresh()
            before = dict(results)
            for attempt in attempts.read().values():
                if attempt.wish.release == release:
                    await _stop(attempt, client.connection, clock, results)
            found = Halt(results=dict(results), confirmed=_is_confirmed(client, release))
            now = clock.monotonic()
            calm_since = calm_since if before == results else now
            calm = now - calm_since >= _CALM.total_seconds()
            if (found.done and calm) or now - begun >= patience.total_seconds():
                return found
            await clock.sleep(_RECHECK_AFTER)


async def _stop(
    attempt: Attempt, connection: Connection, clock: Clock, results: dict[_Key, StopResult]
) -> None:
    """Stop one command, if it may still do something."""
    host, key = attempt.wish.host, (attempt.wish.host, attempt.wish.purpose)
    if ending(attempt, clock.now(), Terms()) is not None:
        if key in results:
            results[key] = StopResult.ENDED
        return
    slot = await _slot(connection, host)
    known = witness(attempt, slot) or attempt
    ours = slot is not None and slot.request_id in (known.request_id, known.wish_id)
    if slot is not None and ours:
        await NatsRunner(connection, clock).withdraw(host, slot.sequence)
    if known.exec_id is not None:
        await connection.publish(kill_of(known.exec_id))
    if known.started_at is not None:
        results[key] = StopResult.ASKED
    elif ours:
        results[key] = StopResult.WITHDRAWN
    else:
        results.setdefault(key, StopResult.ASKED)


async def _slot(connection: Connection, host: HostName) -> Slot | None:
    message = await api.last_message(connection, EXEC, commands_of(host))
    return slot_of(message) if message is not None else None


def _is_confirmed(client: StatusClient, release: ReleaseName) -> bool:
    status = client.board.read().releases.get(release)
    return status is not None and any(
        condition.type is ConditionType.SUSPENDED and condition.status is Truth.TRUE
        for condition in status.conditions
    )


@asynccontextmanager
async def _journal(connection: Connection) -> AsyncIterator[tuple[Mirror, _Attempts]]:
    bucket = Bucket(connection, STATE_BUCKET)
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}{JOURNAL}.>", lambda: None)
    attempts: _Attempts = Table(
        mirror,
        STATE_BUCKET,
        JOURNAL,
        Attempt,
        lambda item: (item.wish.release, item.wish.host, item.wish.purpose),
    )
    await mirror.start()
    try:
        yield mirror, attempts
    finally:
        await asyncio.shield(mirror.stop())
