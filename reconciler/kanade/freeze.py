"""kanade's global freeze, read so that doubt means frozen.

kanade: `crates/kanade-shared/src/manifest.rs`, `Freeze::is_active`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from reconciler.jetstream.message import Message
from reconciler.kanade import codec
from reconciler.model.observed import Freeze

_EARLIEST_ZONE = timedelta(hours=14)
_LATEST_ZONE = timedelta(hours=-12)
_UNREADABLE = Freeze(
    frozen=True,
    reason="kanade's freeze cannot be read, which counts as frozen; see fleet_config/freeze",
)


@dataclass(frozen=True, slots=True)
class Window:
    """A freeze that is set; `found` is `None` when its time is not known."""

    found: codec.Freeze | None

    @classmethod
    def read(cls, message: Message) -> Self:
        """Read the value of `fleet_config/freeze`."""
        try:
            return cls(codec.decode(message.data, codec.Freeze, "freeze"))
        except codec.Unreadable:
            return cls(None)

    def at(self, now: datetime) -> Freeze:
        """Say whether it holds at *now*."""
        if self.found is None:
            return _UNREADABLE
        local = self.found.tz != "utc"
        try:
            # A bare date of a zone we do not know: from its first moment anywhere to its last.
            begins = _bound(self.found.from_, _EARLIEST_ZONE if local else timedelta())
            ends = _bound(self.found.until, _LATEST_ZONE if local else timedelta())
        except ValueError:
            return _UNREADABLE
        if (begins is not None and now < begins) or (ends is not None and now >= ends):
            return Freeze(frozen=False)
        return Freeze(frozen=True, reason=self.found.reason or "", until=ends)


def _bound(text: str | None, offset: timedelta) -> datetime | None:
    if text is None:
        return None
    if len(text) == len("2026-01-02"):
        return datetime.combine(date.fromisoformat(text), time(), UTC) - offset
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"no time zone: {text}")
    return at.astimezone(UTC)
