"""When not to ask: after a refused token, and for as long as the backend asks for peace."""

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from reconciler.errors import KanadeUnavailable, Unauthorized
from reconciler.ports import Clock

_DEFAULT = timedelta(seconds=5)
_LONGEST = timedelta(seconds=60)
_REFUSED_FOR = timedelta(seconds=60)


@dataclass(slots=True)
class Throttle:
    """What the backend has said about being asked."""

    clock: Clock
    _not_before: float = 0.0
    _refused: str | None = field(default=None, repr=False)
    _refused_until: float = 0.0

    def check(self, endpoint: str, token: str | None) -> None:
        """See whether it may be asked with *token*.

        Raises:
            KanadeUnavailable: it has asked for peace until later.
            Unauthorized: it has refused this very token within the last minute.
        """
        now = self.clock.monotonic()
        if now < self._not_before:
            wait = self._not_before - now
            raise KanadeUnavailable(f"{endpoint}: the backend asks for {wait:.0f} s of peace (429)")
        if token is not None and token == self._refused and now < self._refused_until:
            raise refused_token(endpoint)

    def slow_down(self, retry_after: str | None) -> None:
        """Heed a 429, within bounds: a value that makes no sense counts as the default."""
        wait = min(max(self._wait(retry_after), timedelta()), _LONGEST)
        self._not_before = self.clock.monotonic() + wait.total_seconds()

    def refuse(self, token: str | None) -> None:
        """Remember a token that was refused, so that it is not tried over and over."""
        self._refused = token
        self._refused_until = self.clock.monotonic() + _REFUSED_FOR.total_seconds()

    def _wait(self, retry_after: str | None) -> timedelta:
        text = (retry_after or "").strip()
        if text.isascii() and text.isdecimal():
            return timedelta(seconds=min(int(text[:9]), int(_LONGEST.total_seconds())))
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return _DEFAULT
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) - self.clock.now()


def refused_token(endpoint: str) -> Unauthorized:
    """Return the error of a token that is not accepted."""
    return Unauthorized(f"{endpoint}: backend refused the token (401); give it a valid one")
