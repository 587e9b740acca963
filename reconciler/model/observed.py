"""What was read of the fleet and of our own state; unknown is never the same as absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as its metadata tells; `sequence` is the metadata's place in its stream."""

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


class Presence(StrEnum):
    """Whether a host is there; unknown counts neither as failing nor as offline."""

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
class Approval:
    """Who let a release's fingerprint through."""

    release: ReleaseName
    fingerprint: Fingerprint
    approver: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Who stopped a release, why, and until when."""

    release: ReleaseName
    by: str
    reason: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An operator's word that a failed fingerprint may be tried once more."""

    release: ReleaseName
    id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What people have asked of the controller, by command line or page."""

    approvals: tuple[Approval, ...] = ()
    suspensions: Mapping[ReleaseName, Suspension] = field(default_factory=dict)
    retries: Mapping[ReleaseName, Retry] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One reading of everything a plan depends on."""

    packages: Mapping[ObjectRef, StoredObject] = field(default_factory=dict)
    scripts: Mapping[ObjectRef, StoredObject] = field(default_factory=dict)
    rendered: Mapping[ReleaseName, Rendered] = field(default_factory=dict)
    unrendered: Mapping[ReleaseName, str] = field(default_factory=dict)
    """Why a script cannot be rendered today: a secret that is not to be had."""
    jobs: Mapping[JobId, LiveJob] = field(default_factory=dict)
    unfit_jobs: Mapping[JobId, str] = field(default_factory=dict)
    """What the live backend's own schema has against a job of the repository."""
    hosts: Mapping[HostName, HostState] = field(default_factory=dict)
    slots: Mapping[HostName, Slot] = field(default_factory=dict)
    freeze: Freeze = Freeze(frozen=False)
    attempts: Mapping[tuple[ReleaseName, HostName, Purpose], Attempt] = field(default_factory=dict)
    proofs: Mapping[tuple[PackageName, HostName], Proof] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)
    owned_packages: Mapping[ObjectRef, Owned] = field(default_factory=dict)
    owned_scripts: Mapping[ObjectRef, Owned] = field(default_factory=dict)
    backend: BackendState = BackendState.NONE
