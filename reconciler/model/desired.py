"""What a revision of the repository asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant
from reconciler.model.identity import (
    Fingerprint,
    GroupName,
    HostName,
    JobId,
    Json,
    PackageName,
    Position,
    ReleaseName,
    Revision,
    SecretName,
    Version,
)
from reconciler.model.policy import ApprovalPolicy, Offline, Window


class Shell(StrEnum):
    """What kanade's `execute.shell` may say."""

    POWERSHELL = "powershell"
    PWSH = "pwsh"
    CMD = "cmd"
    SH = "sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobArtifact:
    """A file of the repository itself, streamed from git's object database."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArtifact:
    """A file outside git, below one of the settings' `artifact_roots`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlArtifact:
    """Fetched over https, capped in size and time."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildArtifact:
    """What a command leaves behind; off unless the settings allow builds."""

    command: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedArtifact:
    """Somebody else publishes it; we only check that its bytes are the right ones."""


Origin: TypeAlias = BlobArtifact | FileArtifact | UrlArtifact | BuildArtifact | PublishedArtifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The bytes of a package version: where they come from and what they must be."""

    origin: Origin
    digest: Digest
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Names a secret; its value is resolved when it is needed and stored nowhere."""

    name: SecretName


Knob: TypeAlias = str | SecretRef | DownloadGrant
"""The value of a top-of-file assignment, placeholders already filled in.

Of a secret and of a download's token only the name is here: the value is made when it is rendered.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A deploy script with its knobs, not yet rendered."""

    path: str
    object_name: str
    template: bytes = field(repr=False)
    knobs: Mapping[str, Knob]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A kanade job manifest as the repository has it.

    `manifest` is the semantic JSON, kanade's own defaults written out and nulls left out; of a
    job that a release owns, `version` and `execute.script_object` are set when it is upserted.
    `yaml` is the file's text; where it names an `execute.script_file`, that script stands in
    both of them as `execute.script`.
    """

    id: JobId
    path: str
    """Counted from the top of the repository, as `origin.path` wants it."""
    manifest: Mapping[str, Json]
    yaml: str = field(repr=False)
    script_file: str | None = None
    """Where the inlined script stands, counted like `path`: kanade's `origin.script_file`."""
    timeout: timedelta = timedelta(minutes=5)
    """How long kanade lets a run of it take: `execute.timeout`."""

    @property
    def require_approval(self) -> bool:
        """True when the job asks for an approval: kanade ignores it, here it gates."""
        return self.manifest.get("require_approval") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Which hosts a release is wanted on: the union of three selectors.

    `labels` selects the hosts that carry all of them; `groups` are kanade's, looked up live.
    """

    hosts: frozenset[HostName] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[GroupName] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A read-only job that names the version and sha256 of the running image."""

    job: JobId
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """An address of the service that we ask ourselves; 2xx means that it is healthy."""

    url: str
    """With `{host}` for the host's name."""
    every: timedelta
    failures: int
    """So many bad answers in a row, and the host is unhealthy."""
    version_url: str | None = None
    """Where it shows its version as JSON: it must be the one that is wanted there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """What counts as proof that a host has converged."""

    stdout_ends_with: str
    probe: Probe | None
    http: HealthCheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A part of a release's hosts that goes together; exactly one selector is set.

    `count` and `percent` are of all the release's hosts and count from the first one, so that
    50 after 10 means "up to half of them"; the last wave is always 100 percent.
    """

    name: str
    count: int | None = None
    percent: int | None = None
    hosts: frozenset[HostName] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[GroupName] = frozenset()
    offline: Offline | None = None


class OnFailure(StrEnum):
    """What a release does when more hosts have failed than it may lose."""

    HOLD = "hold"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How fast a release may go, and when it must stop."""

    waves: tuple[Wave, ...]
    max_in_flight: int
    max_failures: int
    soak: timedelta
    on_failure: OnFailure
    max_failures_percent: int | None = None
    """Where it is set it counts, of all targeted hosts, and `max_failures` is 0."""
    rollback_max_in_flight: int | None = None
    """How many hosts may go back at a time; `None`: as many as may go forward."""
    progress_deadline: timedelta | None = None
    """A wave in which nothing has moved for so long is reported; what can go still goes."""


class DriftPolicy(StrEnum):
    """What happens to a host that was right and is not any more."""

    HEAL = "heal"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version of a package, wanted on hosts."""

    name: ReleaseName
    package: PackageName
    version: Version
    artifact: Artifact
    script: Script
    job: JobSpec
    targets: Targets
    verify: Verify
    rollout: Rollout
    depends_on: frozenset[ReleaseName]
    suspend: bool
    allow_downgrade: bool
    adopt: bool
    drift: DriftPolicy
    keep_versions: int
    fingerprint: Fingerprint
    position: Position
    approval: ApprovalPolicy | None = None
    requires_agent: Version | None = None
    """The lowest agent version that the job's command may be sent to."""
    upgrade_agent: Version | None = None
    """The agent release that hosts below `requires_agent` are brought to first."""
    windows: tuple[Window, ...] = ()
    yanked: frozenset[Version] = frozenset()
    """Versions that are never gone back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host that releases may target."""

    name: HostName
    labels: Mapping[str, str]
    windows: tuple[Window, ...] = ()
    """When it may be changed, beside the windows of a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One revision, read and found without fault."""

    revision: Revision
    repo: str = ""
    """The repository, without credentials: what `origin.repo` of our jobs says."""
    folder: str = ""
    """Where in the repository the desired state is; empty for its top."""
    releases: tuple[Release, ...]
    jobs: Mapping[JobId, JobSpec]
    """Jobs that no release owns, probes among them."""
    hosts: Mapping[HostName, Host]
    notes: tuple[str, ...] = ()
    """What `validate` mentions and nobody has to mend."""
