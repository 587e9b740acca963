"""Who answers under a host's name: one agent, another one than before, or two at once; no I/O.

kanade: `crates/kanade-shared/src/wire/heartbeat.rs`. A heartbeat names no machine, but the name of
its system, where that is known, and two counters of its agent's process, which only ever grow.
Two agents with one pc id show in that heartbeats go back and forth between two such accounts.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from reconciler.kanade.codec import Heartbeat

MEMORY = timedelta(minutes=5)
"""An account that was not heard for so long has come to its end."""
_WATCHED = 10
_BACK_AND_FORTH = 6
"""Of the heartbeats that are watched; an agent that restarts makes two of them at a time."""
_MOST_ACCOUNTS = 4


class Sign(NamedTuple):
    """What an agent says of the machine that it runs on."""

    hostname: str | None
    os_family: str | None
    arch: str | None


@dataclass(slots=True)
class _Account:
    """The heartbeats of one process, as far as that can be known."""

    sign: Sign
    read_bytes: int
    written_bytes: int
    heard_at: float

    def goes_on_with(self, sign: Sign, read_bytes: int, written_bytes: int) -> bool:
        return (
            sign == self.sign
            and read_bytes >= self.read_bytes
            and written_bytes >= self.written_bytes
        )


@dataclass(slots=True)
class Voices:
    """What was heard under one pc id."""

    changed_at: datetime | None = None
    """When another machine, or another system on it, began to answer to the name."""
    _accounts: list[_Account] = field(default_factory=list)
    """The one that was heard last stands last."""
    _returns: deque[bool] = field(default_factory=lambda: deque(maxlen=_WATCHED))
    """Of each of the last heartbeats, whether it went back to an account that was left."""

    def hear(self, heartbeat: Heartbeat, at: float, now: datetime) -> None:
        """Take in a heartbeat; *at* is monotonic, in seconds."""
        sign = Sign(heartbeat.hostname, heartbeat.os_family, heartbeat.agent_arch)
        counters = heartbeat.agent_disk_read_bytes or 0, heartbeat.agent_disk_written_bytes or 0
        last = self._accounts[-1].sign if self._accounts else sign
        fresh = [it for it in self._accounts if at - it.heard_at < MEMORY.total_seconds()]
        fitting = [it for it in fresh if it.goes_on_with(sign, *counters)]
        best = max(fitting, key=lambda it: (it.written_bytes, it.read_bytes), default=None)
        self._returns.append(best is not None and best is not fresh[-1])
        if best is not None:
            fresh = [it for it in fresh if it is not best]
        elif sign != last:
            self.changed_at = now
        self._accounts = [*fresh[1 - _MOST_ACCOUNTS :], _Account(sign, *counters, at)]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the systems that go back and forth; none while there is one alone."""
        if sum(self._returns) < _BACK_AND_FORTH:
            return ()
        return tuple(
            sorted({account.sign.hostname or "a nameless system" for account in self._accounts})
        )

    @property
    def hostname(self) -> str | None:
        """What the last one calls its system."""
        return self._accounts[-1].sign.hostname if self._accounts else None
