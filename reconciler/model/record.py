"""Releases that were good, and ones that were bad: the records that a rollback uses."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.desired import Rollout, Script, Targets
from reconciler.model.digest import Digest
from reconciler.model.failure import FailureClass
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
class KeptJob:
    """A `JobSpec` with its manifest as JSON text, which reads back as exactly what it was."""

    id: JobId
    path: str
    manifest: str
    yaml: str
    script_file: str | None
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release that was proved on a host: enough to put it back, even if git has moved on.

    The script is the template with its knobs, so that going back renders today's secrets.
    """

    release: ReleaseName
    package: PackageName
    version: Version
    digest: Digest
    fingerprint: Fingerprint
    revision: Revision
    script: Script
    job: KeptJob
    stdout_ends_with: str
    at: datetime
    """When it was first proved; of one that is kept as approved: seen to be."""
    targets: Targets | None = None
    """As they were then, to compare with today's; a rollback uses today's."""
    rollout: Rollout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """A fingerprint that has failed: no host is sent it again until a person asks for that."""

    release: ReleaseName
    fingerprint: Fingerprint
    version: Version
    reason: FailureClass
    message: str
    fix: str = ""
    at: datetime
    host: HostName
    """The host whose failure decided it."""
    result_id: ResultId | None = None
    """The evidence; `None` where time ran out and no result came."""
    exec_id: ExecId | None = None
    exit_code: int | None = None
    stderr_tail: str = ""
    readable: bool = True
    """False when only its key could be read: the fingerprint is held, and nothing goes back."""
