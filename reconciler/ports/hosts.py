"""The hosts, what they report of their runs, and the services on them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.attempt import Attempt
from reconciler.model.desired import HealthCheck, Script
from reconciler.model.identity import ExecId, HostName, ReleaseName, Version
from reconciler.model.observed import Freeze, Health, HostState, Presence, Slot
from reconciler.model.report import RunFinished, RunStarted
from reconciler.ports.reading import Reading


class Fleet(Reading, Protocol):
    """The hosts themselves, as heartbeats, pings, groups and slots show them."""

    def hosts(self) -> Mapping[HostName, HostState]:
        """Return every host that is known of."""

    def slots(self) -> Mapping[HostName, Slot]:
        """Return the last command on every host's own subject."""

    def presence(self, host: HostName) -> Presence:
        """Return whether *host* is online, as far as has been heard by now."""

    def slot_sequence(self, host: HostName) -> int:
        """Return where the last command on *host*'s subject stands, 0 for none, as just heard."""

    def freeze(self) -> Freeze:
        """Return kanade's global freeze; one that does not parse counts as frozen."""

    async def ping(self, hosts: frozenset[HostName]) -> None:
        """Ask *hosts* for a fresh heartbeat; what they answer shows in the next reading."""

    async def kill(self, exec_id: ExecId) -> None:
        """Ask every agent that runs *exec_id* to kill it."""


class AgentLogs(Protocol):
    """What agents have written down, where they run."""

    async def tail(self, host: HostName, lines: int) -> str:
        """Return the last *lines* of *host*'s log, fewer where they are very long.

        They are as the agent has written them: with anything in them, secrets included.

        Raises:
            HostOffline: no agent answers to that name.
            KanadeUnavailable: it has heard the question, and did not answer in time.
            KanadeRefused: the agent cannot read its log, or there can be no such host.
        """


class Services(Protocol):
    """The services that run on hosts, as far as they can be reached from here."""

    async def ask(self, url: str, version: Version | None = None, /) -> str | None:
        """Return what is wrong with the service at *url*, `None` when it is healthy.

        With *version*, its answer must be a JSON object whose `version` is that one.
        """


@dataclass(frozen=True, slots=True)
class HealthTarget:
    """One service to ask; *mark* names the evidence that it is the one that is meant."""

    check: HealthCheck
    mark: str
    version: Version | None = None
    """The version it must show, where the check asks; `None` where it is not known."""


class HealthBook(Protocol):
    """Health checks of services, asked beside the passes."""

    def follow(self, wanted: Mapping[tuple[ReleaseName, HostName], HealthTarget]) -> None:
        """Ask these from now on, and no others; one whose mark changes is asked again."""

    def read(self) -> Mapping[tuple[ReleaseName, HostName], Health]:
        """Return what is known by now."""


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A failed run whose host may have logged why; *script* says what is secret there."""

    attempt: Attempt
    script: Script


class EvidenceBook(Protocol):
    """What hosts have written down of their failures, fetched beside the passes."""

    def follow(self, wanted: Mapping[tuple[ReleaseName, HostName], LogTarget]) -> None:
        """Fetch these, each once for its failure, and keep what comes in `Archive.keep_log`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A report, and its acknowledgement: without that, it comes again."""

    report: RunStarted | RunFinished
    acknowledge: Callable[[], Awaitable[None]]


class Reports(Protocol):
    """What agents report of their runs, each delivered until it is acknowledged."""

    async def take(self) -> Sequence[Delivery]:
        """Return what has come in, without waiting for more."""
