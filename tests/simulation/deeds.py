"""What was really done: the commands that were sent, and what they have changed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, RequestId, Version, WishId
from tests.simulation.trace import Trace
from tests.support.fake_agents import Order
from tests.support.fake_world import World


@dataclass(kw_only=True, eq=False)
class Sent:
    """A command that somebody has sent."""

    order: Order
    host: HostName
    at: datetime
    attempt: Attempt | None
    """Whose wish it is; `None` for what was not sent by a controller."""
    began: bool = False
    ended: bool = False
    definite: bool = False
    """A result of it was taken in that says for sure how it ended."""

    def is_outstanding(self, now: datetime) -> bool:
        """Tell whether it may still run, or does, where it is *now* by its host's clock."""
        deadline = self.order.deadline_at
        waits = deadline is None or now <= deadline
        return not self.ended and (self.began or waits)

    @property
    def is_install(self) -> bool:
        """Tell whether it changes its host."""
        return self.attempt is not None and self.attempt.wish.purpose is Purpose.INSTALL


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A script has really swapped the binary of a host."""

    host: HostName
    request_id: RequestId
    version: Version
    at: datetime
    needless: bool
    """The host already ran those very bytes."""


@dataclass(kw_only=True)
class Deeds:
    """All of it, as nobody in the fleet could ever know it."""

    world: World
    trace: Trace
    clocks: dict[HostName, timedelta] = field(default_factory=dict)
    """How far each host's is from the server's."""
    sent: dict[tuple[HostName, RequestId], Sent] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    wishes: Counter[WishId] = field(default_factory=Counter)
    """How often each has had its effect; what was forgotten is nobody's any more."""
    departures: Counter[tuple[HostName, Version]] = field(default_factory=Counter)
    """How often somebody has taken a host away from a version that it ran."""
    excused: set[HostName] = field(default_factory=set)
    """Hosts on which somebody else has run our job, or whose runs were forgotten half-way."""
    unforeseen: set[HostName] = field(default_factory=set)
    """Hosts that did not do what they said, so that they run what nobody can know at once."""

    def begins(self, host: HostName, request_id: RequestId) -> None:
        """A run begins."""
        sent = self.sent.get((host, request_id))
        if sent is not None:
            sent.began = True

    def ends(self, host: HostName, request_id: RequestId) -> None:
        """A run ends, whether somebody tells of it or not."""
        sent = self.sent.get((host, request_id))
        if sent is not None:
            sent.ended = True

    def changes(self, effect: Effect) -> None:
        """A script has swapped a binary."""
        self.trace.tell(effect.host, f"EFFECT {effect.version} by {effect.request_id[:12]}")
        wish = self._wish(effect)
        if wish is not None:
            self.wishes[wish] += 1
            if self.wishes[wish] > 1:
                self.trace.blame(f"a wish takes effect twice on {effect.host}")
        if effect.needless and effect.host not in self.excused | self.unforeseen:
            self.trace.blame(f"{effect.host} is given {effect.version}, which it runs already")
        self.effects.append(effect)

    def is_undone(self, host: HostName) -> None:
        """A host runs other bytes again: an agent that forgets may run the same command again."""
        last = next((effect for effect in reversed(self.effects) if effect.host == host), None)
        wish = self._wish(last) if last is not None else None
        if wish is not None:
            self.wishes[wish] = max(self.wishes[wish] - 1, 0)

    def _wish(self, effect: Effect) -> WishId | None:
        sent = self.sent.get((effect.host, effect.request_id))
        return sent.attempt.wish_id if sent is not None and sent.attempt is not None else None

    def drifts(self, host: HostName, runs: tuple[Version, Digest] | None) -> None:
        """Somebody overwrites a binary."""
        if runs is not None:
            self.departures[host, runs[0]] += 1

    def counts_effects_of(self, version: str, hosts: Iterable[HostName]) -> None:
        """At the end: each host was brought to *version* once, and again for each drift."""
        for host in hosts:
            found = sum((one.host, one.version) == (host, version) for one in self.effects)
            wanted = 1 + self.departures[host, Version(version)]
            if found != wanted and host not in self.excused:
                self.trace.blame(f"{found} effects of {version} on {host}, wanted are {wanted}")

    def outstanding(self) -> list[Sent]:
        """Return what may still run, or does."""
        now = self.world.clock.now()
        return [
            sent
            for sent in self.sent.values()
            if sent.attempt is not None and sent.is_outstanding(now + self.clocks[sent.host])
        ]
