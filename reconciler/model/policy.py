"""When and with whose approval a release may go on, as its file says."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class OfflineRule(StrEnum):
    """What a wave does about a host that is not there."""

    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """How a wave counts its offline hosts; `None` for both limits means: any number."""

    rule: OfflineRule
    max_hosts: int | None = None
    max_percent: int | None = None
    """Of the wave's hosts; more of them offline, and even `skip` waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """Who must agree before anything is sent; a job's `require_approval` asks for one person."""

    required: int = 1
    pin_hosts: bool = False
    """The approval holds for the hosts selected today: their names are in the fingerprint."""
    expires: timedelta | None = None


class WindowKind(StrEnum):
    """Whether commands may be sent in a window, or may not."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """When a window opens: five fields, each the set of values that match."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    """Days and weekdays are both limited: then a day matches when either does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time that comes again; with any `allow` window, everything outside of them is shut."""

    kind: WindowKind
    cron: Cron
    duration: timedelta
    zone: str
    """An IANA name: Europe/Berlin, UTC."""
