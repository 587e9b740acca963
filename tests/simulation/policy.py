"""How careful the release of a seed is: its waves, its soak, its gates, and what failure means."""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from reconciler.model.identity import HostName

EARLY = "early"
"""What hosts are called that a wave selects: by a label, by a group of kanade's, or by name."""


class Select(StrEnum):
    """How a wave says which hosts are in it."""

    COUNT = "hosts"
    PERCENT = "percent"
    NAMES = "names"
    LABELS = "labels"
    GROUPS = "groups"


class Absent(StrEnum):
    """What a wave does about hosts that are away."""

    SKIP = "{rule: skip}"
    SKIP_ONE = "{rule: skip, max: 1}"
    WAIT = "{rule: wait}"


@dataclass(frozen=True, kw_only=True)
class Wave:
    """One part of a rollout."""

    name: str
    by: Select
    size: int = 0
    absent: Absent | None = None

    @property
    def counts(self) -> bool:
        """Tell whether it takes whoever comes first, up to its size."""
        return self.by in (Select.COUNT, Select.PERCENT)

    def goes_up_to(self, hosts: int) -> int:
        """Return how many of so many hosts are reached with it, where it counts."""
        return self.size if self.by is Select.COUNT else -(-hosts * self.size // 100)

    def may_skip(self, away: int) -> bool:
        """Tell whether so many hosts of it may be away when the next wave begins."""
        most = {Absent.WAIT: 0, Absent.SKIP_ONE: 1}
        return self.absent not in most or away <= most[self.absent]

    def written(self, early: tuple[HostName, ...]) -> str:
        """Return how the release's file says it."""
        said = {
            Select.NAMES: f"hosts: [{', '.join(early)}]",
            Select.LABELS: f"labels: {{ring: {EARLY}}}",
            Select.GROUPS: f"groups: [{EARLY}]",
        }.get(self.by, f"{self.by}: {self.size}")
        offline = f", offline: {self.absent}" if self.absent is not None else ""
        return f"{{name: {self.name}, {said}{offline}}}"


_CANARY = Wave(name="canary", by=Select.COUNT, size=1)
_HALF = Wave(name="half", by=Select.PERCENT, size=50)
_REST = Wave(name="rest", by=Select.PERCENT, size=100)


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
    waves: tuple[Wave, ...] = ()
    early: tuple[HostName, ...] = ()
    """Who is in the waves that do not count."""
    max_failures: int = 0
    max_failures_percent: int | None = None
    """In the place of the number."""
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
        return first.goes_up_to(hosts) if first.counts else len(self.early)

    def early_wave(self, hosts: int) -> tuple[Wave, int] | None:
        """Return the wave that selects its hosts, and how many of all are reached before it."""
        before = 0
        for wave in self.waves:
            if not wave.counts:
                return wave, before
            before = wave.goes_up_to(hosts)
        return None

    def has_lost(self, failed: int, hosts: int) -> bool:
        """Tell whether so many hosts that failed are too many."""
        if self.max_failures_percent is None:
            return failed > self.max_failures
        return failed / hosts > self.max_failures_percent / 100

    def limit(self, *, goes_back: bool) -> int:
        """Return how many hosts may be changed at a time."""
        return (goes_back and self.back_at_once) or self.max_in_flight

    @property
    def _losses(self) -> str:
        percent = self.max_failures_percent
        return str(self.max_failures) if percent is None else f'"{percent}%"'

    def written(self, release: str) -> str:
        """Return the *release*'s file with all of it in."""
        rollout = [
            f"waves: [{', '.join(wave.written(self.early) for wave in (*self.waves, _REST))}]",
            f"max_in_flight: {self.max_in_flight}",
            f"max_failures: {self._losses}",
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


def draw_policy(chance: Random, hosts: tuple[HostName, ...]) -> Policy:
    """Return a careful policy for *hosts*: each of its brakes in about half of the seeds."""
    policy = Policy(
        max_in_flight=chance.randint(1, 3),
        waves=_draw_waves(chance),
        early=tuple(sorted(chance.sample(hosts, chance.randint(1, len(hosts) - 1)))),
        max_failures=chance.choice((0, 0, 0, 1)),
        max_failures_percent=chance.choice((None, None, None, 0, 20, 34)),
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


def _draw_waves(chance: Random) -> tuple[Wave, ...]:
    early = Wave(name="early", by=chance.choice((Select.NAMES, Select.LABELS, Select.GROUPS)))
    waves = chance.choice(
        (
            *((), (_CANARY,), (_CANARY, _HALF), (_HALF,)),
            *((early,), (early,), (_CANARY, early), (early, _HALF)),
        )
    )
    return tuple(replace(wave, absent=chance.choice((None, *Absent))) for wave in waves)
