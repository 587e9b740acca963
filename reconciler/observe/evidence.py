"""Fetches the log of a host on which a service did not start, once, beside the passes."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from reconciler.desired.knobs import secret_values
from reconciler.errors import ReconcilerError
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.control import without_control
from reconciler.model.desired import Desired
from reconciler.model.failure import FailureClass
from reconciler.model.host_log import HostLog
from reconciler.model.identity import HostName, ReleaseName, ResultId
from reconciler.model.mask import mask
from reconciler.model.observed import UNSEEN, Observed, Presence
from reconciler.ports import AgentLogs, Archive, Clock, LogTarget, Secrets

Key: TypeAlias = tuple[ReleaseName, HostName]

_FRESH = timedelta(hours=1)
"""The end of a log shows nothing of what has happened long before."""
_MOST_HOSTS = 100
"""Of one fingerprint; more of them are not worth their room."""
_LINES = 200
_MOST_BYTES = 16 * 1024
_AT_ONCE = 8
_NO_ANSWER = "it was asked for, and no answer has been kept"

log = structlog.get_logger()


def logs_to_ask(
    desired: Desired, observed: Observed, kept: Mapping[Key, HostLog], now: datetime
) -> dict[Key, LogTarget]:
    """Return whom to ask: hosts that are online, and have failed so that their log may show why."""
    counts = Counter((item.release, item.fingerprint) for item in kept.values())
    scripts = {release.name: release.script for release in desired.releases}
    found: dict[Key, LogTarget] = {}
    for (name, host, purpose), attempt in observed.attempts.items():
        if purpose is not Purpose.INSTALL or name not in scripts or not _may_tell(attempt, now):
            continue
        known, place = kept.get((name, host)), (name, attempt.wish.fingerprint)
        is_asked = known is not None and known.result_id == _result_of(attempt)
        is_there = observed.hosts.get(host, UNSEEN).presence is Presence.ONLINE
        if is_there and not is_asked and counts[place] < _MOST_HOSTS:
            counts[place] += 1
            found[name, host] = LogTarget(attempt=attempt, script=scripts[name])
    return found


def _may_tell(attempt: Attempt, now: datetime) -> bool:
    outcome = attempt.outcome
    return (
        outcome is not None
        and outcome.failure is not None
        and outcome.failure.kind is FailureClass.SERVICE_DID_NOT_START
        and now - outcome.at < _FRESH
    )


def _result_of(attempt: Attempt) -> ResultId | None:
    return attempt.outcome.result_id if attempt.outcome is not None else None


class EvidenceWatch:
    """Implements `ports.EvidenceBook`.

    That a log is asked for is kept before it is asked for, so no restart asks again; a controller
    that does not lead any more cannot keep that, and asks nobody.
    """

    def __init__(self, logs: AgentLogs, archive: Archive, secrets: Secrets, clock: Clock) -> None:
        self._logs = logs
        self._archive = archive
        self._secrets = secrets
        self._clock = clock
        self._waiting: dict[Key, LogTarget] = {}
        self._under_way: set[ResultId | None] = set()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def follow(self, wanted: Mapping[Key, LogTarget]) -> None:
        """See `ports.EvidenceBook`."""
        self._waiting = {
            key: target
            for key, target in wanted.items()
            if _result_of(target.attempt) not in self._under_way
        }
        if self._waiting:
            self._idle.clear()
            self._news.set()

    async def finished(self) -> None:
        """Wait until nobody is asked any more; an agent has some seconds to answer."""
        await self._idle.wait()

    async def run(self) -> None:
        """Ask the hosts that are to be asked, until cancelled."""
        gate = asyncio.Semaphore(_AT_ONCE)
        while True:
            await self._news.wait()
            self._news.clear()
            waiting, self._waiting = self._waiting, {}
            self._under_way = {_result_of(target.attempt) for target in waiting.values()}
            async with asyncio.TaskGroup() as group:
                for target in waiting.values():
                    group.create_task(self._fetch(target, gate))
            self._under_way = set()
            if not self._waiting:
                self._idle.set()

    async def _fetch(self, target: LogTarget, gate: asyncio.Semaphore) -> None:
        attempt, result_id = target.attempt, _result_of(target.attempt)
        if result_id is None:
            return
        asked = HostLog(
            release=attempt.wish.release,
            host=attempt.wish.host,
            result_id=result_id,
            version=attempt.version,
            fingerprint=attempt.wish.fingerprint,
            asked_at=self._clock.now(),
            missing=_NO_ANSWER,
        )
        async with gate:
            try:
                await self._archive.keep_log(asked)
                await self._archive.keep_log(await self._answered(asked, target))
            except ReconcilerError as error:
                log.warning("log not kept", host=asked.host, error=str(error))

    async def _answered(self, asked: HostLog, target: LogTarget) -> HostLog:
        try:
            text = await self._logs.tail(asked.host, _LINES)
            text = mask(text, secret_values(target.script, self._secrets))
        except ReconcilerError as error:
            return replace(asked, missing=str(error))
        lines = _end_of(text)
        return replace(asked, lines=lines, missing="" if lines else "it is empty")


def _end_of(text: str) -> tuple[str, ...]:
    """Return as many of the last lines as there is room for, harmless to a terminal."""
    end = text.encode()[-_MOST_BYTES:].decode(errors="ignore")
    lines = without_control(end).removesuffix("\n").split("\n")
    if len(end) < len(text) and len(lines) > 1:
        del lines[0]  # it has lost its beginning
    return tuple(lines) if end else ()
