"""The rule of runs that are told late: what we have sent ourselves is no run by hand."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import HostName, RequestId
from reconciler.model.report import RunStarted
from tests.simulation.trace import Trace

_KNOWN = 5
"""So many commands for a purpose are known on a host after their results."""


@dataclass(kw_only=True)
class OwnRuns:
    """Knows whose results were written down, in their order."""

    trace: Trace
    ended: defaultdict[tuple[HostName, Purpose], list[RequestId]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def settles(self, attempt: Attempt) -> None:
        """An attempt is written down; nothing else can become of one with a result."""
        known = self.ended[attempt.wish.host, attempt.wish.purpose]
        name = attempt.request_id
        if attempt.settled and name is not None and name not in known:
            known.append(name)

    def is_by_hand(self, run: RunStarted) -> None:
        """A run is written down as somebody's: its host will be left alone meanwhile."""
        ours: Mapping[tuple[HostName, Purpose], list[RequestId]] = self.ended
        for purpose in Purpose:
            if run.request_id in ours.get((run.host, purpose), [])[-_KNOWN:]:
                self.trace.blame(
                    f"{run.job} {run.version} on {run.host} has ended, and is ours, and its start "
                    "is taken for somebody's"
                )

    def are_forgotten(self) -> None:
        """All that we keep is lost."""
        self.ended.clear()
