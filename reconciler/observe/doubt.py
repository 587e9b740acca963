"""The last witness, where neither the host's slot nor a report says anything: the backend's table.

It knows the ids of a request over HTTP whose answer was lost, and results that RESULTS has evicted
while nobody read them. It is asked about a few hosts at a time: what it does not know is settled
by the deadline, and a probe of the host.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from reconciler.errors import KanadeRefused, KanadeUnavailable
from reconciler.model.attempt import Attempt
from reconciler.model.identity import ExecId, HostName, JobId, WishId
from reconciler.model.report import Execution, RunFinished
from reconciler.observe.intake import AttemptKey
from reconciler.plan.endings import ending
from reconciler.plan.terms import CLOCK_SKEW, Terms
from reconciler.ports import Clock, Executions

_ASK_AGAIN = timedelta(seconds=15)
_AT_ONCE = 8
_ANSWERS = 3
"""So often the backend is believed that it knows no result, and then asked no more."""
_FEW = 16
"""Execs of one job that are checked, the newest first."""

log = structlog.get_logger()


@dataclass(kw_only=True)
class Doubts:
    """Asks the backend; it keeps nothing but when it last asked, and how often."""

    executions: Executions
    clock: Clock
    terms: Terms = field(default_factory=Terms)
    _asked: dict[HostName, float] = field(default_factory=dict)
    _asked_for_results: dict[HostName, float] = field(default_factory=dict)
    _unknown: dict[WishId, int] = field(default_factory=dict)
    """How often the backend has answered that it knows no result."""

    async def settle(self, attempts: Mapping[AttemptKey, Attempt]) -> Sequence[Attempt]:
        """Return those of *attempts* whose ids the backend gives away; silence is no news."""
        doubtful = self._due(self._asked, filter(self._is_open, attempts.values()))
        if not doubtful:
            return ()
        known = frozenset(one.exec_id for one in attempts.values() if one.exec_id is not None)
        rows: dict[JobId, Sequence[Execution]] = {}
        found: list[Attempt] = []
        try:
            for attempt in doubtful:
                if attempt.job not in rows:
                    rows[attempt.job] = await self.executions.of_job(attempt.job)
                seen = await self._find(attempt, rows[attempt.job], known)
                found += [seen] if seen is not None else []
        except (KanadeUnavailable, KanadeRefused) as error:
            log.info("execs not to be read", error=str(error))
        return found

    async def missed(self, attempts: Mapping[AttemptKey, Attempt]) -> Sequence[RunFinished]:
        """Return the results of *attempts* that have run out of time, as the backend knows them.

        Each is asked about until the backend has answered a few times, as it may be behind.
        """
        lapsed = [one for one in attempts.values() if self._has_lapsed(one)]
        self._unknown = {one.wish_id: self._unknown.get(one.wish_id, 0) for one in lapsed}
        open_ones = (one for one in lapsed if self._unknown[one.wish_id] < _ANSWERS)
        found: list[RunFinished] = []
        try:
            for attempt in self._due(self._asked_for_results, open_ones):
                report = await self.executions.result_of(attempt)
                self._unknown[attempt.wish_id] += 1
                found += [report] if report is not None else []
        except (KanadeUnavailable, KanadeRefused) as error:
            log.info("results not to be read", error=str(error))
        return found

    def _has_lapsed(self, attempt: Attempt) -> bool:
        if attempt.settled or attempt.exec_id is None or attempt.request_id is None:
            return False
        over = ending(attempt, self.clock.now(), self.terms)
        return over is not None and over.lapsed

    def _due(self, asked: dict[HostName, float], attempts: Iterable[Attempt]) -> list[Attempt]:
        """Return a few of *attempts*, each host's every now and then, and note it in *asked*."""
        now = self.clock.monotonic()
        for host in [host for host, at in asked.items() if at <= now - _ASK_AGAIN.total_seconds()]:
            del asked[host]
        due: list[Attempt] = []
        for attempt in attempts:
            host = attempt.wish.host
            if len(due) < _AT_ONCE and host not in asked:
                asked[host] = now
                due.append(attempt)
        return due

    def _is_open(self, attempt: Attempt) -> bool:
        nameless = attempt.in_doubt and attempt.exec_id is None
        return nameless and ending(attempt, self.clock.now(), self.terms) is None

    async def _find(
        self, attempt: Attempt, rows: Sequence[Execution], known: frozenset[ExecId]
    ) -> Attempt | None:
        for row in _candidates(attempt, rows, known):
            request = (await self.executions.runs_of(row.id)).get(attempt.wish.host)
            if request is not None:
                sent_at = attempt.sent_at or row.at
                return replace(attempt, exec_id=row.id, request_id=request, sent_at=sent_at)
        return None


def _candidates(
    attempt: Attempt, rows: Sequence[Execution], known: frozenset[ExecId]
) -> Iterator[Execution]:
    """Yield the execs that may be it: later than the intent, of its version, and nobody's yet."""
    earliest = attempt.intended_at - CLOCK_SKEW
    for row in rows[:_FEW]:
        if row.at >= earliest and row.version == attempt.version and row.id not in known:
            yield row
