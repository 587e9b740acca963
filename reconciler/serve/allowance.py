"""How many requests are taken from clients that have not shown who they are."""

from datetime import timedelta

from reconciler.ports import Clock

_BURST = 10
_REFILL = timedelta(seconds=1)


class Allowance:
    """A token bucket: ten requests at once, then one a second, from all clients together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = float(_BURST)
        self._at = clock.monotonic()

    def take(self) -> bool:
        """True when one more may be answered now."""
        now = self._clock.monotonic()
        refilled = (now - self._at) / _REFILL.total_seconds()
        self._left = min(float(_BURST), self._left + refilled)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
