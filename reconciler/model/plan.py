"""A plan is a value: what will be done and why, what will not be done now, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from reconciler.model.action import Action, ActionKey
from reconciler.model.attempt import Attempt, Via
from reconciler.model.digest import Digest
from reconciler.model.failure import Failure
from reconciler.model.identity import HostName, JobId, ReleaseName, Revision, Version
from reconciler.model.observed import Owned
from reconciler.model.pruning import HeldPrune

DRIFTED = "DriftDetected"
"""The reason of a step that puts right what was right before."""

PRUNE_HELD = "PruneHeld"
"""The reason why what nobody needs is not deleted: it is so much that a person must agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action, with the reason and the message that say why."""

    action: Action
    release: ReleaseName | None
    """The release it serves; `None` for a job that no release owns."""
    reason: str
    message: str
    after: tuple[ActionKey, ...] = ()
    """Steps that must have succeeded before this one."""


class Deferred(Struct, frozen=True, kw_only=True):
    """Something that is wanted and is not done now."""

    release: ReleaseName
    reason: str
    message: str
    host: HostName | None = None
    """`None` when it holds the release as a whole."""
    until: datetime | None = None
    """When it is worth checking again, where that is known."""
    needs_person: bool = False
    """Nothing that the controller does by itself will ever end the wait."""


class State(StrEnum):
    """Where a host stands with a release."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    VERIFYING = "verifying"
    CONVERGED = "converged"
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    OFFLINE = "offline"


ENDED_BADLY = (State.FAILED, State.TIMED_OUT)
"""The states of a host on which the last install, or what it left behind, is not as wanted."""


class Assessment(Struct, frozen=True, kw_only=True):
    """A host's state for a release, with what it rests on."""

    host: HostName
    state: State
    reason: str
    message: str
    drifted: bool = False
    """It was right, and then it was not, without us."""
    install: Attempt | None = None
    probe: Attempt | None = None
    running: Version | None = None
    """The version that is known to run there."""
    running_digest: Digest | None = None
    """Of the running image, where a probe has read it."""
    proved_at: datetime | None = None
    """When it was last seen to be as wanted."""
    healthy_since: datetime | None = None
    """When it was first seen to be so; the stream's clock."""
    failure: Failure | None = None
    unhealthy: str = ""
    """What its health check says is wrong, where nothing is rolled back for it."""
    wanted: Version | None = None
    """What is in force for the host: git's version, or what it goes back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveState:
    """How far a wave has come; hosts that are none of the three are on their way."""

    name: str
    hosts: tuple[HostName, ...]
    healthy: int
    failed: int
    offline: int
    is_open: bool
    healthy_since: datetime | None
    """When the last of its healthy hosts was first seen to be healthy."""
    unconfirmed: int
    """How many of its healthy hosts have yet to be seen so at the end of their soak."""

    @property
    def waiting(self) -> int:
        """How many of its hosts are on their way, or have yet to be."""
        return len(self.hosts) - self.healthy - self.failed - self.offline


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one reading of desired and observed asks for."""

    revision: Revision
    via: Via | None = Via.NATS
    """Which way kanade is written to in this pass; `None` when it has to wait."""
    steps: tuple[Step, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    hosts: Mapping[ReleaseName, tuple[Assessment, ...]] = field(default_factory=dict)
    waves: Mapping[ReleaseName, tuple[WaveState, ...]] = field(default_factory=dict)
    blocked: Mapping[ReleaseName, Deferred] = field(default_factory=dict)
    """What a release waits for before anything more can be done for it."""
    unapproved: Mapping[ReleaseName, Deferred] = field(default_factory=dict)
    """Which approvals git's version lacks, also where something else holds it first."""
    claims: Mapping[JobId, Owned] = field(default_factory=dict)
    """Jobs that nobody manages and that are right: ours from now on, which is no step."""
    held_prune: HeldPrune | None = None
    """What would be deleted if a person agreed."""
    wake_at: datetime | None = None
    """When something will change by the clock alone."""

    @property
    def empty(self) -> bool:
        """True when there is nothing to do now."""
        return not self.steps
