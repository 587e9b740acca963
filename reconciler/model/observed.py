"""What was read of the fleet and of our own state; unknown is never the same as absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.approval import ApprovalOrOverride, Checked
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.digest import Digest
from reconciler.model.identity import (
    ExecId,
    Fingerprint,
    GroupName,
    HostName,
    JobId,
    Json,
    ObjectRef,
    PackageName,
    ReleaseName,
    RequestId,
    Version,
)
from reconciler.model.proof import Proof
from reconciler.model.pruning import PruneApproval
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.report import RunStarted
from reconciler.model.revert import RevertOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as its metadata describes it; `sequence` is the metadata's place in its stream."""

    ref: ObjectRef
    size_bytes: int
    digest: Digest | None
    sequence: int
    nuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveJob:
    """A job of the live catalogue."""

    id: JobId
    manifest: Mapping[str, Json]
    pin: Version | None
    """`script_current`: an agent skips a command of any other version."""
    revoked: bool
    """`script_status`: a person took it out of use; a hold, never undone by us."""
    retired: bool = False
    """We deleted it, or began to: a revocation that is left of that is ours to undo."""
    schedule: str | None = None
    """A schedule of kanade's that names it: somebody still wants it run."""


class Presence(StrEnum):
    """Whether a host is online; unknown counts neither as failing nor as offline."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host as heartbeat and ping show it."""

    presence: Presence
    agent_version: str | None = None
    os_family: str | None = None
    last_seen: datetime | None = None
    groups: frozenset[GroupName] = frozenset()
    hostname: str | None = None
    """What its system is called, where the agent knows; often the pc id, but not always."""
    doubled: tuple[str, ...] = ()
    """The systems that answer to its pc id in turn; empty while one does."""
    changed_at: datetime | None = None
    """When another machine or system was first heard under its pc id."""
    signed_only: bool = False
    """Its agent runs no command that the backend has not signed."""


UNSEEN = HostState(presence=Presence.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The last command on a host's own subject in EXEC: the best witness of what was sent."""

    sequence: int
    at: datetime
    request_id: RequestId | None
    exec_id: ExecId | None
    job: JobId | None
    version: Version | None
    script_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A release's script with its knobs and today's secrets filled in: what should be stored."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Who stopped a release, why, and until when."""

    release: ReleaseName
    by: str
    reason: str
    since: datetime
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """True until it ends."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An operator's request to try a failed fingerprint once more."""

    release: ReleaseName
    id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A person's request to roll a release back, whichever version git names.

    It ends when a commit changes the fingerprint, or somebody resumes the release.
    """

    release: ReleaseName
    fingerprint: Fingerprint
    """What git asked for then: the request holds for that, and for nothing later."""
    to: Version | None
    """Which version to go back to; `None` for the last proved one."""
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """A person's request to fetch the repository and to read the whole fleet again now."""

    id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What people have asked of the controller, by command line or page."""

    approvals: tuple[Checked[ApprovalOrOverride], ...] = ()
    """What lets releases through: approvals and overrides, and whether they count."""
    suspensions: Mapping[ReleaseName, Suspension] = field(default_factory=dict)
    retries: Mapping[ReleaseName, Retry] = field(default_factory=dict)
    returns: Mapping[ReleaseName, Return] = field(default_factory=dict)
    prune: Checked[PruneApproval] | None = None
    """The last approval of a held prune, and whether it counts."""
    reconcile: ReconcileRequest | None = None
    """The last one, answered or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a service's health address answers, for as long as we have asked."""

    ok: bool
    since: datetime
    """Since when it has said so, by our clock."""
    message: str = ""
    """What was wrong the last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """kanade's global freeze; `frozen` is also true for one that cannot be read."""

    frozen: bool
    reason: str = ""
    until: datetime | None = None


class BackendState(StrEnum):
    """Whether kanade's HTTP API can be written through."""

    NONE = "none"
    """None is configured, or the mode is `nats`."""
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Something that we have put into kanade, so that we may change or prune it."""

    digest: Digest
    release: ReleaseName | None
    checked: bool = True
    """It was read back as a host would; until then it is only ours by intent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many bytes the stores still take; `None` where nothing limits them, or nobody asked."""

    packages: int | None = None
    scripts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTarget:
    """The agent version that a host is set to run."""

    version: Version
    at: datetime
    """When that was written down, with whatever else is set for the host; the stream's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One reading of everything a plan depends on."""

    packages: Mapping[ObjectRef, StoredObject] = field(default_factory=dict)
    scripts: Mapping[ObjectRef, StoredObject] = field(default_factory=dict)
    rendered: Mapping[tuple[ReleaseName, Fingerprint], Rendered] = field(default_factory=dict)
    unrendered: Mapping[tuple[ReleaseName, Fingerprint], str] = field(default_factory=dict)
    """Why a script cannot be rendered today: a secret that is not to be had."""
    jobs: Mapping[JobId, LiveJob] = field(default_factory=dict)
    unfit_jobs: Mapping[JobId, str] = field(default_factory=dict)
    """What the live backend's own schema has against a job of the repository."""
    hosts: Mapping[HostName, HostState] = field(default_factory=dict)
    slots: Mapping[HostName, Slot] = field(default_factory=dict)
    freeze: Freeze = Freeze(frozen=False)
    attempts: Mapping[tuple[ReleaseName, HostName, Purpose], Attempt] = field(default_factory=dict)
    unread_installs: Mapping[tuple[ReleaseName, HostName], datetime] = field(default_factory=dict)
    """When installs were last written down whose entries in the journal cannot be read."""
    proofs: Mapping[tuple[PackageName, HostName], Proof] = field(default_factory=dict)
    runs: Mapping[tuple[JobId, HostName], RunStarted] = field(default_factory=dict)
    """Runs of our jobs that somebody else has started, and whose result has not come."""
    requests: Requests = field(default_factory=Requests)
    owned_packages: Mapping[ObjectRef, Owned] = field(default_factory=dict)
    owned_scripts: Mapping[ObjectRef, Owned] = field(default_factory=dict)
    owned_jobs: Mapping[JobId, Owned] = field(default_factory=dict)
    """The jobs that we have registered, by the digest of what we last wrote."""
    records: Mapping[tuple[ReleaseName, Fingerprint], ReleaseRecord] = field(default_factory=dict)
    """The releases that were proved once: what a rollback may go back to."""
    approved: Mapping[ReleaseName, ReleaseRecord] = field(default_factory=dict)
    """What people have let through last, proved or not."""
    quarantine: Mapping[tuple[ReleaseName, Fingerprint], Quarantine] = field(default_factory=dict)
    offers: Mapping[tuple[ReleaseName, Fingerprint], RevertOffer] = field(default_factory=dict)
    """The result of offering to revert what is quarantined."""
    room: Room = field(default_factory=Room)
    agent_releases: frozenset[Version] = frozenset()
    """The agent versions that hosts can be set to run."""
    agent_targets: Mapping[HostName, AgentTarget] = field(default_factory=dict)
    """The agent version set for each host by itself."""
    health: Mapping[tuple[ReleaseName, HostName], Health] = field(default_factory=dict)
    """Only of releases that ask for it; a host that has not been asked is not in it."""
    backend: BackendState = BackendState.NONE
