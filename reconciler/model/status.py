"""What is told to people and machines: of releases, hosts, jobs and the controller itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.condition import Condition
from reconciler.model.identity import (
    ExecId,
    Fingerprint,
    HostName,
    JobId,
    PackageName,
    ReleaseName,
    ResultId,
    Revision,
    Version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """Where a host stands with a release, and what its last run said."""

    release: ReleaseName
    host: HostName
    state: str
    reason: str
    message: str
    fix: str = ""
    wanted: Version
    running: Version | None = None
    sha256: str | None = None
    """Of the image that runs there, as its probe says."""
    exec_id: ExecId | None = None
    result_id: ResultId | None = None
    exit_code: int | None = None
    last_line: str = ""
    attempt: int = 0
    drifted: bool = False
    install_intact: bool | None = None
    """Of a failed install: whether the old one is known to run on."""
    proved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStatus:
    """A release: its conditions, and how many hosts are in which state."""

    name: ReleaseName
    package: PackageName
    version: Version
    fingerprint: Fingerprint
    revision: Revision
    job: JobId
    conditions: tuple[Condition, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    waits_for: str = ""
    """What it is held by, in one sentence; empty when nothing holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job of the repository, against the catalogue."""

    id: JobId
    release: ReleaseName | None
    version: Version
    registered: Version | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatus:
    """Which revision is in force, and whether git can be read."""

    revision: Revision | None
    subject: str = ""
    instance: str = ""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that is told, after one pass."""

    controller: ControllerStatus
    releases: Mapping[ReleaseName, ReleaseStatus] = field(default_factory=dict)
    hosts: Mapping[tuple[ReleaseName, HostName], HostStatus] = field(default_factory=dict)
    jobs: Mapping[JobId, JobStatus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One transition, told once."""

    at: datetime
    kind: str
    """The PascalCase word of what happened."""
    message: str
    release: ReleaseName | None = None
    host: HostName | None = None
    revision: Revision | None = None
    severity: str = "info"
    """`info` or `error`, as in Flux's events."""
