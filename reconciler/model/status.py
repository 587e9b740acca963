"""What is published to people and machines: releases, hosts, jobs and the controller itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.difference import Difference
from reconciler.model.host_log import HostLog
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
from reconciler.model.pruning import HeldPrune
from reconciler.model.revert import RevertOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why something that is wanted is not done now."""

    reason: str
    message: str
    until: datetime | None = None
    """When it ends by itself, where that is known."""
    needs_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveStatus:
    """How far a wave has come; each host's status names its wave."""

    name: str
    hosts: int
    healthy: int
    failed: int
    offline: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """The last command that a host was sent for a release: an install, or else a probe."""

    job: JobId
    version: Version
    purpose: str
    via: str
    number: int
    """Which attempt it is, of its purpose and fingerprint."""
    intended_at: datetime
    sent_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stderr_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """Where a host stands with a release, and what its last run reported."""

    release: ReleaseName
    host: HostName
    state: str
    reason: str
    message: str
    fix: str = ""
    wanted: Version
    """What is in force for it: git's version, or the one that it goes back to."""
    running: Version | None = None
    sha256: str | None = None
    """Of the image that runs there, as its probe reports."""
    exec_id: ExecId | None = None
    result_id: ResultId | None = None
    exit_code: int | None = None
    last_line: str = ""
    attempt: int = 0
    drifted: bool = False
    install_intact: bool | None = None
    """Of a failed install: whether the old one is known to run on."""
    proved_at: datetime | None = None
    wave: str = ""
    held: Held | None = None
    """Why it is not sent what it needs."""
    run: RunStatus | None = None
    unhealthy: str = ""
    """What its health check says is wrong, where nothing is rolled back for it."""
    alike: str = ""
    """Hosts that failed in the same way share it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a release came to be wanted as it is, and how that went."""

    revision: Revision
    """The first one that asked for it."""
    committed_at: datetime | None
    """`None` when it was wanted before the first pass, so that how long it took is unknown."""
    proved_at: datetime | None = None
    """When every host was proved for the first time."""
    failed_at: datetime | None = None
    """When a host failed for the first time."""
    broken_since: datetime | None = None
    """Since when a host has failed or drifted, under this change or those before it."""
    version: Version | None = None
    author: str = ""
    """Who committed it; empty when it was wanted before the first pass."""
    subject: str = ""
    replaced_at: datetime | None = None
    """When another change took its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStatus:
    """An approval or an override: whose, why, and whether it counts."""

    kind: str
    by: str
    at: datetime
    until: datetime | None = None
    """When it expires, where it does."""
    reason: str = ""
    key: str = ""
    """The fingerprint of the SSH key that signed it."""
    refusal: str = ""
    """Why it does not count."""
    pending: bool = False
    """It has not been checked yet."""


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
    change: Change | None = None
    past: tuple[Change, ...] = ()
    """The changes before it, the newest first, as far back as they are kept."""
    in_force: tuple[Version, ...] = ()
    """The versions that its hosts go back to while git's is not in force."""
    waves: tuple[WaveStatus, ...] = ()
    held: tuple[Held, ...] = ()
    """All that keeps the release as a whole from going on, the first of it first."""
    words: tuple[ApprovalStatus, ...] = ()
    """The approvals and overrides of this very fingerprint."""
    compared_with: Version | None = None
    """The version that was approved or proved last; `None` when nothing has been."""
    compared_as: str = ""
    """Which of the two: `approved`, or `proved`."""
    differences: tuple[Difference, ...] = ()
    """What is different from that one."""
    offer: RevertOffer | None = None
    """The branch that takes it back while it is quarantined, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job of the repository, against the catalogue."""

    id: JobId
    release: ReleaseName | None
    version: Version
    registered: Version | None
    reason: str
    message: str
    script: str = ""
    """The script object that the catalogue's manifest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatus:
    """Which revision is in force, and whether git can be read."""

    revision: Revision | None
    subject: str = ""
    instance: str = ""
    conditions: tuple[Condition, ...] = ()
    held_prune: HeldPrune | None = None
    prune_word: ApprovalStatus | None = None
    """The last approval of what was held."""
    observe_only: bool = False
    """It only observes: what is reported as wanted is not done."""
    answered: str = ""
    """The id of the last `ReconcileRequest` that has been answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that is published after one pass, and what has been found out beside it."""

    controller: ControllerStatus
    releases: Mapping[ReleaseName, ReleaseStatus] = field(default_factory=dict)
    hosts: Mapping[tuple[ReleaseName, HostName], HostStatus] = field(default_factory=dict)
    jobs: Mapping[JobId, JobStatus] = field(default_factory=dict)
    logs: Mapping[tuple[ReleaseName, HostName], HostLog] = field(default_factory=dict)
    """What hosts had written down when a service did not start; fetched beside the passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One transition, published once."""

    at: datetime
    kind: str
    """What happened, in PascalCase."""
    message: str
    release: ReleaseName | None = None
    host: HostName | None = None
    revision: Revision | None = None
    severity: str = "info"
    """`info` or `error`, as in Flux's events."""
    condition: ConditionType | None = None
    """Which condition has changed, where it is one that did."""
    truth: Truth | None = None
    """What that condition says now."""
    details: str = ""
    """More lines, for those who have room: the plan of a revision that has come into force."""
    headline: bool = True
    """Worth a message to a person: of what one fact changes in a release, one event is."""
    id: str = field(default="", compare=False)
    """The same for the same transition, however often and whenever it is published."""
