"""What failed a moment ago is not tried again at once, however often a pass is asked for."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from reconciler.model.action import ActionKey
from reconciler.model.outcome import StepOutcome, StepState
from reconciler.model.plan import Step

_FIRST = timedelta(seconds=1)
_LONGEST_TRANSIENT = timedelta(seconds=30)
_LONGEST_STALLED = timedelta(minutes=5)


class Patience:
    """Remembers failed steps by their key; what it forgets at a restart is only tried sooner."""

    def __init__(self) -> None:
        self._failed: dict[ActionKey, tuple[StepOutcome, int, datetime]] = {}

    def holds(self, step: Step, now: datetime) -> StepOutcome | None:
        """Return how *step* failed, if it is too early to try it again."""
        known = self._failed.get(step.action.key)
        return known[0] if known is not None and now < known[2] else None

    def note(self, outcome: StepOutcome, now: datetime) -> None:
        """Remember a failure, or that it is over."""
        key = outcome.step.action.key
        if outcome.state is StepState.DONE:
            self._failed.pop(key, None)
        elif outcome.state is StepState.FAILED:
            times = self._failed[key][1] + 1 if key in self._failed else 1
            longest = _LONGEST_TRANSIENT if outcome.transient else _LONGEST_STALLED
            wait = min(_FIRST * 2 ** min(times - 1, 12), longest)
            self._failed[key] = (outcome, times, now + wait)

    def keep(self, planned: Iterable[ActionKey]) -> None:
        """Forget what is not planned any more: it may never be tried again."""
        self._failed = {key: self._failed[key] for key in planned if key in self._failed}

    def forget(self) -> None:
        """Let everything be tried at once: there is a new commit."""
        self._failed.clear()

    @property
    def next_try(self) -> datetime | None:
        """When something that failed may be tried again."""
        return min((item[2] for item in self._failed.values()), default=None)
