"""Which hosts are there, from what was heard and for how long one has listened; no I/O."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.kanade.codec import Heartbeat
from reconciler.model.identity import HostName
from reconciler.model.observed import HostState, Presence
from reconciler.ports import Clock

SILENCE = timedelta(seconds=60)
"""Two heartbeats missed."""
_MAX_HOSTS = 200_000
"""Anybody can publish heartbeats: what bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    last: float | None = None
    last_seen: datetime | None = None
    agent_version: str | None = None
    os_family: str | None = None
    unanswered: float | None = None
    """When nobody was there to answer a ping."""


@dataclass(slots=True)
class Roll:
    """Keeps what was heard of every host."""

    clock: Clock
    silence: timedelta = SILENCE
    _heard: dict[HostName, _Heard] = field(default_factory=dict)
    _listening_since: float | None = None

    def listen(self, *, connected: bool) -> None:
        """Note that one can hear from now on, or that one cannot."""
        self._listening_since = self.clock.monotonic() if connected else None

    def hear(self, heartbeat: Heartbeat) -> bool:
        """Take in a heartbeat, or the answer to a ping; True when the host was not there before."""
        host = HostName(heartbeat.pc_id)
        if host not in self._heard and len(self._heard) >= _MAX_HOSTS:
            return False
        news = self.presence(host) is not Presence.ONLINE
        self._heard[host] = _Heard(
            last=self.clock.monotonic(),
            last_seen=self.clock.now(),
            agent_version=heartbeat.agent_version,
            os_family=heartbeat.os_family,
        )
        return news

    def hear_nobody(self, host: HostName) -> None:
        """Take in that no agent was there to answer a ping."""
        known = self._heard.get(host, _Heard())
        self._heard[host] = replace(known, unanswered=self.clock.monotonic())

    def hosts(self) -> frozenset[HostName]:
        """Return the hosts that anything is known of."""
        return frozenset(self._heard)

    def presence(self, host: HostName) -> Presence:
        """Say whether *host* is there; for as long as one has not listened, unknown."""
        heard, now = self._heard.get(host, _Heard()), self.clock.monotonic()
        if heard.unanswered is not None and self._recent(heard.unanswered, now):
            return Presence.OFFLINE
        if heard.last is not None and self._recent(heard.last, now):
            return Presence.ONLINE
        if self._listening_since is None or self._recent(self._listening_since, now):
            return Presence.UNKNOWN
        return Presence.OFFLINE

    def state(self, host: HostName) -> HostState:
        """Return what is known of *host*, its groups aside."""
        heard = self._heard.get(host, _Heard())
        return HostState(
            presence=self.presence(host),
            agent_version=heard.agent_version,
            os_family=heard.os_family,
            last_seen=heard.last_seen,
        )

    def _recent(self, at: float, now: float) -> bool:
        return now - at < self.silence.total_seconds()
