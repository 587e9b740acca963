"""The settings that a plan depends on."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

CLOCK_SKEW = timedelta(seconds=10)
"""How far apart two clocks may be: ours, a host's, the server's."""

RECHECK_AFTER = timedelta(seconds=10)
"""When to check again what no clock and no report announces."""


class Mode(StrEnum):
    """Which way writes to kanade go."""

    AUTO = "auto"
    """Through the backend where there is one, over NATS while it is away."""
    BACKEND = "backend"
    NATS = "nats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long things may take, and how often they are tried."""

    mode: Mode = Mode.AUTO
    dispatch_deadline: timedelta = timedelta(minutes=10)
    """How long a command may wait for its host to start it."""
    clock_skew: timedelta = CLOCK_SKEW
    """How far a host's clock, or the server's, may be from ours."""
    grace: timedelta = timedelta(seconds=15)
    """How long a result may take after the run's own timeout."""
    tries: int = 3
    """Attempts of a fingerprint on a host that fail for a reason that may pass."""
    resends: int = 10
    """Attempts that did not run, for reasons that are nobody's fault."""
    backoff: timedelta = timedelta(seconds=15)
    """The wait before the second attempt; each further one waits twice as long."""
    backoff_limit: timedelta = timedelta(minutes=30)

    observe_only: bool = False
    """Probe at most, and report what would be done; nothing on the fleet is changed."""
    offer_revert: bool = False
    """Whether a branch is offered that takes what is quarantined out of git."""
    prune: bool = True
    """Whether what is ours and no longer needed is deleted."""
    prune_limit: int = 20
    """Percent of what is ours that may be deleted without a person's approval."""

    def wait_after(self, number: int) -> timedelta:
        """Return how long to wait after the attempt of that *number* has failed."""
        factor: int = 2 ** min(number - 1, 16)
        return min(self.backoff * factor, self.backoff_limit)
