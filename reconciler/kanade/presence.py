"""Which hosts are online, from what was heard and for how long we have listened; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.kanade.codec import Heartbeat
from reconciler.kanade.voices import Voices
from reconciler.model.identity import GroupName, HostName
from reconciler.model.observed import UNSEEN, HostState, Presence
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
    """When no agent was online to answer a ping."""
    hostname: str | None = None
    doubled: tuple[str, ...] = ()
    changed_at: datetime | None = None
    signed_only: bool = False


_UNHEARD = _Heard()
_NO_GROUPS: frozenset[GroupName] = frozenset()


@dataclass(slots=True)
class Roll:
    """Keeps what was heard of every host."""

    clock: Clock
    silence: timedelta = SILENCE
    _heard: dict[HostName, _Heard] = field(default_factory=dict)
    _voices: dict[HostName, Voices] = field(default_factory=dict)
    _reported: dict[HostName, tuple[_Heard, HostState]] = field(default_factory=dict)
    _listening_since: float | None = None

    def listen(self, *, connected: bool) -> None:
        """Note that one can hear from now on, or that one cannot."""
        self._listening_since = self.clock.monotonic() if connected else None

    def hear(self, heartbeat: Heartbeat, *, pinged: bool = False) -> bool:
        """Take in a heartbeat, or the answer to a ping, which says less.

        Returns True when there is news: the host was not there before, or it is another one.
        """
        host = HostName(heartbeat.pc_id)
        if host not in self._heard and len(self._heard) >= _MAX_HOSTS:
            return False
        news = self.presence(host) is not Presence.ONLINE
        at, now, before = self.clock.monotonic(), self.clock.now(), self._heard.get(host, _UNHEARD)
        voices = self._voices.setdefault(host, Voices())
        if not pinged:
            voices.hear(heartbeat, at, now)
        self._heard[host] = heard = _Heard(
            last=at,
            last_seen=now,
            hostname=voices.hostname,
            doubled=voices.names,
            changed_at=voices.changed_at,
            agent_version=heartbeat.agent_version,
            os_family=heartbeat.os_family,
            signed_only=before.signed_only if heartbeat.enforcing is None else heartbeat.enforcing,
        )
        same = (before.doubled, before.changed_at) == (heard.doubled, heard.changed_at)
        return news or not same

    def hear_nobody(self, host: HostName) -> None:
        """Take in that no agent was online to answer a ping."""
        known = self._heard.get(host, _UNHEARD)
        self._heard[host] = replace(known, unanswered=self.clock.monotonic())

    def presence(self, host: HostName) -> Presence:
        """Return whether *host* is online; unknown until we have listened for long enough."""
        return self._presence(self._heard.get(host, _UNHEARD), self.clock.monotonic())

    def states(
        self, groups: Mapping[HostName, frozenset[GroupName]]
    ) -> Mapping[HostName, HostState]:
        """Return every host that was heard or pinged, or that is in *groups*.

        A host of which there is nothing new has the very same state as the last time.
        """
        now = self.clock.monotonic()
        return {
            host: self._state(host, groups.get(host, _NO_GROUPS), now)
            for host in self._heard.keys() | groups.keys()
        }

    def _state(self, host: HostName, groups: frozenset[GroupName], now: float) -> HostState:
        heard = self._heard.get(host, _UNHEARD)
        presence = self._presence(heard, now)
        reported, state = self._reported.get(host, (_UNHEARD, UNSEEN))
        if reported is heard and state.presence is presence and state.groups == groups:
            return state
        state = HostState(
            presence=presence,
            agent_version=heard.agent_version,
            os_family=heard.os_family,
            last_seen=heard.last_seen,
            groups=groups,
            hostname=heard.hostname,
            doubled=heard.doubled,
            changed_at=heard.changed_at,
            signed_only=heard.signed_only,
        )
        self._reported[host] = (heard, state)
        return state

    def _presence(self, heard: _Heard, now: float) -> Presence:
        if heard.unanswered is not None and self._recent(heard.unanswered, now):
            return Presence.OFFLINE
        if heard.last is not None and self._recent(heard.last, now):
            return Presence.ONLINE
        if self._listening_since is None or self._recent(self._listening_since, now):
            return Presence.UNKNOWN
        return Presence.OFFLINE

    def _recent(self, at: float, now: float) -> bool:
        return now - at < self.silence.total_seconds()
