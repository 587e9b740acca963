"""What agents report of their runs, from RESULTS and EVENTS, each until it is acknowledged."""

import asyncio
import uuid
from collections.abc import Callable, Sequence

import structlog

from reconciler.errors import ArtifactRefused, KanadeRefused, KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.feed import Feed, FeedMessage
from reconciler.kanade.codec import EventStarted, ExecResult, Unreadable, decode, sender_of
from reconciler.kanade.names import (
    ALL_RESULTS,
    ALL_STARTED,
    EVENTS,
    RESULTS,
    results_of,
    stdout_key,
)
from reconciler.kanade.output import fetch_tail, last_line, tail
from reconciler.model.identity import ExecId, HostName, JobId, RequestId, ResultId, Version
from reconciler.model.report import RunFinished, RunStarted
from reconciler.ports import Delivery, Wake

DURABLE = "kanade-reconciler"
_SKIPS = frozenset({122, 124, 125, 126, 127})
_LEGACY_PREFIX = "kanade-issue-19/legacy-result-id:"

log = structlog.get_logger()


class NatsReports:
    """Implements `ports.Reports` by two durable consumers, which are the last one's to begin.

    Only the leader takes: if candidates did too, the leader would miss what they took.
    *wanted* says of which jobs an output is worth fetching that is kept apart from its result.
    """

    def __init__(
        self,
        connection: Connection,
        changed: Wake = lambda: None,
        wanted: Callable[[JobId], bool] = lambda _: True,
    ) -> None:
        self._connection = connection
        self._results = Feed(connection, RESULTS, ALL_RESULTS, DURABLE, changed)
        self._started = Feed(connection, EVENTS, ALL_STARTED, DURABLE, changed)
        self._wanted = wanted
        self.unreadable = 0
        """How many messages were not what kanade writes, and were passed over."""

    async def start(self) -> None:
        """Begin, or go on after an interruption; raises what `Feed.start` raises."""
        await self._results.start()
        await self._started.start()

    async def stop(self) -> None:
        """Stop following; what was not acknowledged comes again."""
        await asyncio.gather(self._results.stop(), self._started.stop())

    async def take(self) -> Sequence[Delivery]:
        """See `ports.Reports`; in the order in which the server took them in."""
        await self.start()  # before anything is taken that a failure would lose for a while
        results, started = await self._results.take(), await self._started.take()
        deliveries: list[Delivery] = []
        for message in sorted([*results, *started], key=lambda item: item.timestamp):
            try:
                deliveries.append(Delivery(await self._read(message), message.ack))
            except Unreadable as error:
                self.unreadable += 1
                log.warning("report unreadable", subject=message.subject, error=str(error))
                await message.ack()
            except KanadeUnavailable as error:
                log.warning("output not to be had yet", subject=message.subject, error=str(error))
        return deliveries

    async def _read(self, message: FeedMessage) -> RunStarted | RunFinished:
        if message.subject.startswith("results."):
            return await self._finished(message)
        return _started(message)

    async def _finished(self, message: FeedMessage) -> RunFinished:
        found = _result(message)
        job = JobId(found.manifest_id or "")
        stdout = found.stdout
        if found.stdout_object is not None and self._wanted(job):
            stdout = await self._apart(found)
        return RunFinished(
            result_id=ResultId(found.result_id or _legacy_id(found)),
            request_id=RequestId(found.request_id),
            exec_id=None if found.exec_id is None else ExecId(found.exec_id),
            host=HostName(found.pc_id),
            job=job,
            exit_code=found.exit_code,
            skipped=_was_skipped(found),
            last_line=last_line(stdout),
            stdout_tail=tail(stdout),
            stderr_tail=tail(found.stderr),
            at=message.timestamp,
        )

    async def _apart(self, found: ExecResult) -> str:
        """Return the output that is kept apart; what is not this run's own is not read."""
        key = stdout_key(RequestId(found.request_id), HostName(found.pc_id))
        if found.stdout_object != key:
            raise Unreadable(f"result from {found.pc_id} unreadable: stdout_object must be {key}")
        try:
            return await fetch_tail(self._connection, key)
        except (KanadeRefused, ArtifactRefused) as error:
            log.warning("output lost", key=key, error=str(error))
            return ""


def _result(message: FeedMessage) -> ExecResult:
    sender = sender_of(message.data, otherwise=message.subject)
    found = decode(message.data, ExecResult, f"result from {sender}")
    if message.subject != results_of(RequestId(found.request_id)):
        raise Unreadable(f"result from {found.pc_id} unreadable: it is on {message.subject}")
    return found


def _started(message: FeedMessage) -> RunStarted:
    sender = sender_of(message.data, otherwise=message.subject)
    found = decode(message.data, EventStarted, f"event from {sender}")
    if message.subject != f"events.started.{found.exec_id}.{found.pc_id}":
        raise Unreadable(f"event from {found.pc_id} unreadable: it is on {message.subject}")
    return RunStarted(
        result_id=ResultId(found.result_id),
        request_id=RequestId(found.request_id),
        exec_id=ExecId(found.exec_id),
        host=HostName(found.pc_id),
        job=JobId(found.manifest_id),
        version=Version(found.version),
        at=message.timestamp,
    )


def _was_skipped(found: ExecResult) -> bool:
    """Old agents do not report whether they have run the script: their output must do."""
    if found.skipped is not None:
        return found.skipped
    return found.exit_code in _SKIPS and found.stderr.startswith("skipped")


def _legacy_id(found: ExecResult) -> str:
    """Return the id that kanade itself gives a result without one."""
    name = f"{_LEGACY_PREFIX}{found.request_id}:{found.pc_id}"
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))
