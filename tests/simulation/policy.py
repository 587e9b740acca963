"""How careful the release of a seed is: its waves, its soak, its gates, and what failure means."""

from dataclasses import dataclass, replace
from random import Random

_CANARY = "{name: canary, hosts: 1}"
_HALF = "{name: half, percent: 50}"
_REST = "{name: rest, percent: 100}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Opens every so many minutes of the hour, for some of them."""

    every_minutes: int
    open_minutes: int

    def is_open(self, now: float) -> bool:
        """Tell whether it is open so many seconds after a full hour."""
        return now % (self.every_minutes * 60) < self.open_minutes * 60

    @property
    def text(self) -> str:
        """What the release's file says."""
        return f"{{allow: '*/{self.every_minutes} * * * *', duration: {self.open_minutes}m}}"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the release's file says; without anything, a release goes to all hosts at once."""

    max_in_flight: int
    waves: tuple[str, ...] = ()
    max_failures: int = 0
    soak_seconds: int = 0
    rolls_back: bool = False
    back_at_once: int = 0
    """How many hosts may go back at a time; 0: as many as may go forward."""
    approvals: int = 0
    approval_minutes: int = 0
    """After so many a word counts no more; 0: it holds for ever."""
    window: Window | None = None
    watches_health: bool = False

    @property
    def health_seconds(self) -> float:
        """How long a service may be unwell at most before a controller that asks it knows."""
        return 2 * 10 + 5.0

    def canaries(self, hosts: int) -> int:
        """Return how many hosts, of so many, are in the first wave."""
        first = (*self.waves, _REST)[0]
        return {_CANARY: 1, _HALF: -(-hosts // 2), _REST: hosts}[first]

    def limit(self, *, goes_back: bool) -> int:
        """Return how many hosts may be changed at a time."""
        return (goes_back and self.back_at_once) or self.max_in_flight

    def written(self, release: str) -> str:
        """Return the *release*'s file with all of it in."""
        rollout = [
            f"waves: [{', '.join((*self.waves, _REST))}]",
            f"max_in_flight: {self.max_in_flight}",
            f"max_failures: {self.max_failures}",
            f"soak: {self.soak_seconds}s",
            f"on_failure: {'rollback' if self.rolls_back else 'hold'}",
        ]
        if self.back_at_once:
            rollout.append(f"rollback_max_in_flight: {self.back_at_once}")
        text = release.replace("max_in_flight: 10", ", ".join(rollout))
        text = text.replace("every: 24h}", "every: 5m}" + _HEALTH * self.watches_health)
        text += "prune: {keep_versions: 1}\n"
        if self.approvals:
            expires = f", expires: {self.approval_minutes}m" * bool(self.approval_minutes)
            text += f"approval: {{required: {self.approvals}{expires}}}\n"
        if self.window is not None:
            text += f"windows: [{self.window.text}]\n"
        return text


_HEALTH = ", http: {url: 'http://{host}/health', every: 10s, failures: 2}"


def draw_policy(chance: Random) -> Policy:
    """Return a careful policy: each of its brakes in about half of the seeds."""
    policy = Policy(
        max_in_flight=chance.randint(1, 3),
        waves=chance.choice(((), (_CANARY,), (_CANARY,), (_CANARY, _HALF), (_HALF,))),
        max_failures=chance.choice((0, 0, 0, 1)),
        soak_seconds=chance.choice((0, 60, 240)),
        rolls_back=chance.random() < 0.8,
        back_at_once=chance.choice((0, 0, 1, 3)),
        watches_health=chance.random() < 0.5,
    )
    if chance.random() < 0.5:
        minutes = chance.choice((0, 5))
        policy = replace(policy, approvals=chance.choice((1, 2)), approval_minutes=minutes)
    if chance.random() < 0.4:
        window = Window(every_minutes=chance.choice((10, 15)), open_minutes=chance.choice((2, 5)))
        policy = replace(policy, window=window)
    return policy
