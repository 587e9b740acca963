"""What may be wrong with a version: how its script, its service or its host behaves for it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum, auto

from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, Version


class Flaw(StrEnum):
    """One way of being a bad version."""

    FAILS = auto()
    """Its script ends with an error, and has changed nothing."""
    DOES_NOT_START = auto()
    """It is in place, and does not run."""
    LIES = auto()
    """Its script says that all is well, and has changed nothing."""
    GOES_BACK = auto()
    """It runs for a moment, and then the host puts back what it ran before."""
    TURNS_BAD = auto()
    """It runs, and some time later its service is not well any more."""


@dataclass(kw_only=True)
class Services:
    """How the tool's service is on each host, and which versions are bad for whom."""

    flaws: dict[tuple[Version, HostName], Flaw] = field(default_factory=dict)
    stopped: set[HostName] = field(default_factory=set)
    sick_from: dict[HostName, tuple[Version, float]] = field(default_factory=dict)
    """Since when which version is not well."""

    def spoil(self, version: str, hosts: Iterable[HostName], flaw: Flaw) -> None:
        """Let *version* be bad on *hosts*."""
        self.flaws |= dict.fromkeys(((Version(version), host) for host in hosts), flaw)

    def flaw_of(self, runs: tuple[Version, Digest] | None, host: HostName) -> Flaw | None:
        """Return what is wrong with what *host* runs."""
        return self.flaws.get((runs[0], host)) if runs is not None else None

    def is_replaced(self, host: HostName) -> None:
        """Another binary has been put there, and started: what was wrong before is over."""
        self.stopped.discard(host)
        self.sick_from.pop(host, None)

    def sick_seconds(self, host: HostName, version: Version | None = None) -> float:
        """Return for how long the service, of that *version*, has not been well; 0.0 if it is."""
        found, since = self.sick_from.get(host, (None, 0.0))
        if found is None or version not in (None, found):
            return 0.0
        return max(asyncio.get_running_loop().time() - since, 0.0)
