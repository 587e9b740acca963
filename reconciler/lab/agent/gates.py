"""What keeps a command from running; asked when it comes, and again just before it starts."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nats.aio.client import Client
from nats.errors import Error as NatsError

from reconciler.lab import names, wire
from reconciler.lab.agent import result
from reconciler.lab.agent.command import Command
from reconciler.lab.bucket import Bucket

_RUN_AS = {"user": "User", "system_gui": "SystemGui"}
_NANOSECOND_UNITS = (
    ("year", 31_557_600 * 10**9),
    ("month", 2_630_016 * 10**9),
    ("day", 86_400 * 10**9),
    ("h", 3_600 * 10**9),
    ("m", 60 * 10**9),
    ("s", 10**9),
    ("ms", 10**6),
    ("us", 10**3),
    ("ns", 1),
)


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A command is not run, by policy."""

    exit_code: int
    stderr: str
    at: str = field(default_factory=wire.now)


class Gates:
    """The policies of one host."""

    def __init__(self, client: Client) -> None:
        jetstream = client.jetstream()
        self._client = client
        self._pins = Bucket(jetstream, names.SCRIPT_CURRENT)
        self._status = Bucket(jetstream, names.SCRIPT_STATUS)

    async def skip(self, command: Command) -> Skip | None:
        """Return why *command* is not to run now, or `None`."""
        return (
            self._stale(command)
            or await self._pinned(command)
            or await self._revoked(command)
            or _unsupported(command)
            or expired(command)
        )

    def _stale(self, command: Command) -> Skip | None:
        if command.staleness.mode != "strict" or self._client.is_connected:
            return None
        return Skip(
            exit_code=result.STALE,
            stderr=(
                "skipped: staleness policy (mode=strict) exceeded — agent has been "
                f"disconnected, max allowed {command.staleness.max_cache_age}"
            ),
        )

    async def _pinned(self, command: Command) -> Skip | None:
        pin = await _advisory(self._pins, command.id)
        if pin is None or pin == command.version:
            return None
        return Skip(
            exit_code=result.VERSION_PIN,
            stderr=(
                f"skipped: version-pin mismatch — script_current[{command.id}] = {pin}, "
                f"command brought {command.version}"
            ),
        )

    async def _revoked(self, command: Command) -> Skip | None:
        if await _advisory(self._status, command.id) != names.REVOKED:
            return None
        return Skip(
            exit_code=result.REVOKED,
            stderr=f"skipped: command was revoked (script_status[{command.id}] = revoked)",
        )


def expired(command: Command) -> Skip | None:
    """Return the skip of a command whose deadline has passed."""
    deadline, now = command.deadline_at, time.time_ns()
    if deadline is None or now <= deadline.timestamp() * 10**9:
        return None
    late = now - int(deadline.timestamp()) * 10**9 - deadline.microsecond * 1000
    received = wire.spelled(now)
    return Skip(
        exit_code=result.DEADLINE,
        stderr=(
            f"skipped: starting deadline expired {human_span(late)} ago "
            f"(deadline {_in_words(deadline)}, "
            f"received {received.replace('T', ' ').replace('Z', ' UTC')})"
        ),
        at=received,
    )


def human_span(nanoseconds: int) -> str:
    """Spell a span as kanade does: `1h 5m 3s`."""
    words = []
    for unit, size in _NANOSECOND_UNITS:
        count, nanoseconds = divmod(nanoseconds, size)
        if count:
            plural = "s" if count > 1 and size >= 86_400 * 10**9 else ""
            words.append(f"{count}{unit}{plural}")
    return " ".join(words) or "0s"


def _unsupported(command: Command) -> Skip | None:
    if command.run_as == "system":
        return None
    return Skip(
        exit_code=result.UNSUPPORTED,
        stderr=f"skipped: run_as {_RUN_AS[command.run_as]} is not supported on Linux agents",
    )


async def _advisory(bucket: Bucket, key: str) -> str | None:
    # Unreadable is no reason to skip: that is what the real agent does, and it is why a pin
    # alone cannot be relied on while the broker is away.
    try:
        value = await bucket.get(key)
    except (NatsError, OSError):
        return None
    return None if value is None else value.decode(errors="replace")


def _in_words(moment: datetime) -> str:
    text = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{moment.microsecond:06d} UTC" if moment.microsecond else f"{text} UTC"
