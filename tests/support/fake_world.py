"""A fleet in memory: everything that outlives a controller, and nothing that does not.

No threads, no randomness, no wall time: the same calls always give the same world. What a
controller sees of it are the fakes of `reconciler/ports` beside this file; drop those, make
new ones on the same world, and the controller has crashed and come back.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.kanade.codec import Heartbeat
from reconciler.model.digest import Digest
from reconciler.model.identity import (
    ExecId,
    GroupName,
    HostName,
    JobId,
    Json,
    ObjectRef,
    RequestId,
    Revision,
    SecretName,
    Version,
)
from reconciler.model.observed import AgentTarget, BackendState, Freeze, StoredObject
from reconciler.model.report import Execution, RunFinished, RunStarted
from reconciler.model.revert import Proposal
from reconciler.model.snapshot import Snapshot
from tests.support.clock import FakeClock
from tests.support.fake_nats import FakeNats
from tests.support.own_state import OwnState


class Crash(BaseException):
    """The controller's process ends here: no handler of its own runs."""


Spell = BaseException | Callable[[], None]


class Weather:
    """What happens around which call: nothing, unless a test says so."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """Every call of a port, in its order, as `<port>.<method>`."""
        self._before: dict[str, deque[Spell]] = defaultdict(deque)
        self._after: dict[str, deque[Spell]] = defaultdict(deque)
        self._strikes: dict[tuple[int, bool], Spell] = {}

    def strike(self, number: int, spell: Spell, *, after: bool) -> None:
        """Cast *spell* at the call of that number, whichever it is; the first one has 1."""
        self._strikes[number, after] = spell

    def spoil(self, call: str, spell: Spell, *, after: bool = False) -> None:
        """Let the next *call* raise, or something happen meanwhile; *after* its effect, if said."""
        (self._after if after else self._before)[call].append(spell)

    @asynccontextmanager
    async def around(self, call: str, subject: object = None) -> AsyncIterator[None]:
        """Be an await point before and after the effect, each of which may be the last.

        *subject* is what the call is about, for those who watch.
        """
        del subject
        self.calls.append(call)
        number = len(self.calls)
        await asyncio.sleep(0)
        self._cast(self._before[call], (number, False))
        yield
        await asyncio.sleep(0)
        self._cast(self._after[call], (number, True))

    def _cast(self, spells: deque[Spell], moment: tuple[int, bool]) -> None:
        spell = self._strikes.pop(moment, None) or (spells.popleft() if spells else None)
        if isinstance(spell, BaseException):
            raise spell
        if spell is not None:
            spell()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An object of a store: what its metadata says, and the bytes that are served."""

    stored: StoredObject
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class KeptJob:
    """A manifest in the catalogue, and the sequence at which it was written."""

    manifest: Mapping[str, Json]
    yaml: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class KeptCommand:
    """The one message of a host's subject in EXEC."""

    payload: bytes
    sequence: int
    at: datetime


@dataclass(kw_only=True)
class Repository:
    """A branch: its newest commit, and the one that was last good."""

    commits: dict[Revision, Snapshot] = field(default_factory=dict)
    head: Revision | None = None
    applied: Revision | None = None
    branches: dict[str, Proposal] = field(default_factory=dict)
    """What was pushed beside it, by name."""
    read_only: str = ""
    """Why nothing may be pushed; empty where it may."""

    def commit(self, snapshot: Snapshot) -> None:
        """Put *snapshot* on top of the branch."""
        self.head = snapshot.commit.revision
        self.commits[self.head] = snapshot


@dataclass(kw_only=True)
class World:
    """All of it; a test may look at everything and change it."""

    clock: FakeClock = field(default_factory=FakeClock)
    weather: Weather = field(default_factory=Weather)
    stores: dict[str, dict[ObjectRef, Kept]] = field(
        default_factory=lambda: {"app_packages": {}, "scripts": {}}
    )
    room_bytes: dict[str, int] = field(default_factory=dict)
    """How many bytes a store takes in all; those without an entry take any number."""
    jobs: dict[JobId, KeptJob] = field(default_factory=dict)
    pins: dict[JobId, Version] = field(default_factory=dict)
    revoked: set[JobId] = field(default_factory=set)
    schedules: dict[JobId, str] = field(default_factory=dict)
    """Which schedule names a job."""
    slots: dict[HostName, KeptCommand] = field(default_factory=dict)
    groups: dict[HostName, frozenset[GroupName]] = field(default_factory=dict)
    freeze: Freeze = field(default_factory=lambda: Freeze(frozen=False))
    backend: BackendState = BackendState.NONE
    reports: list[RunStarted | RunFinished] = field(default_factory=list)
    """What nobody has acknowledged yet, the oldest first."""
    agent_releases: set[Version] = field(default_factory=set)
    agent_targets: dict[HostName, AgentTarget] = field(default_factory=dict)
    nats: FakeNats = field(default_factory=FakeNats)
    """Where our own state is kept."""
    repository: Repository = field(default_factory=Repository)
    secrets: dict[SecretName, str] = field(default_factory=dict)
    heartbeats: list[Callable[[Heartbeat], None]] = field(default_factory=list)
    """Who hears heartbeats; a crash empties it."""
    commands: dict[HostName, Callable[[bytes], None]] = field(default_factory=dict)
    """The agents that are connected, and so hear commands as they are sent."""
    logs: defaultdict[HostName, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What agents have written down, line by line."""
    executions: list[tuple[JobId, Execution]] = field(default_factory=list)
    """The backend's own table of what it has sent, the newest last."""
    runs: dict[ExecId, dict[HostName, RequestId]] = field(default_factory=lambda: defaultdict(dict))
    """Which host is known to have run which of it."""
    results: dict[tuple[HostName, RequestId], RunFinished] = field(default_factory=dict)
    """How runs ended, as the backend knows it for longer than RESULTS."""
    pings: dict[HostName, Callable[[], Heartbeat | None]] = field(default_factory=dict)
    """The agents that are there to be asked; one that is stuck answers nothing."""
    wakes: list[Callable[[], None]] = field(default_factory=list)
    """Who wants to be told that something has changed; a crash empties it."""
    last_sequence: int = 0

    def __post_init__(self) -> None:
        self.nats.now = lambda: self.clock.now()  # noqa: PLW0108 (a test may put another clock there)

    @property
    def own(self) -> OwnState:
        """What is kept of our own, as it is."""
        return OwnState(self.nats)

    def backend_state(self) -> BackendState:
        """Return what whoever asks is told of the backend."""
        return self.backend

    def next_sequence(self) -> int:
        """Return where the next message is stored, in whatever stream."""
        self.last_sequence += 1
        return self.last_sequence

    def changed(self) -> None:
        """Tell everybody who watches."""
        for wake in list(self.wakes):
            wake()

    def crash(self) -> None:
        """Forget the controllers' connections: nothing reaches them any more."""
        self.heartbeats.clear()
        self.wakes.clear()

    def put(self, store: str, ref: ObjectRef, data: bytes, digest: Digest) -> StoredObject:
        """Store an object as its metadata and its bytes; nobody asks whether they agree."""
        sequence = self.next_sequence()
        stored = StoredObject(
            ref=ref, size_bytes=len(data), digest=digest, sequence=sequence, nuid=f"N{sequence}"
        )
        self.stores[store][ref] = Kept(stored=stored, data=data)
        self.changed()
        return stored

    def put_command(self, host: HostName, payload: bytes) -> int:
        """Store a command in *host*'s slot, in place of the last one; live agents hear it."""
        sequence = self.next_sequence()
        self.slots[host] = KeptCommand(payload=payload, sequence=sequence, at=self.clock.now())
        if host in self.commands:
            self.commands[host](payload)
        self.changed()
        return sequence

    def report(self, report: RunStarted | RunFinished) -> None:
        """Store what an agent says of a run, until somebody acknowledges it."""
        self.reports.append(report)
        if report.exec_id is not None:
            self.runs[report.exec_id][report.host] = report.request_id
        if isinstance(report, RunFinished):
            self.results[report.host, report.request_id] = report
        self.changed()
