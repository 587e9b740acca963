"""Everything that can be done to the outside, as data; a plan is made of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, TypeAlias

from reconciler.model.attempt import Attempt
from reconciler.model.desired import Artifact, JobSpec, Release, Script
from reconciler.model.digest import Digest
from reconciler.model.identity import (
    Fingerprint,
    HostName,
    JobId,
    Json,
    ObjectRef,
    ReleaseName,
    Version,
    WishId,
)
from reconciler.model.record import Quarantine, ReleaseRecord

ActionKey = NewType("ActionKey", str)
"""Names an action by its content: the same wish always has the same key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPackage:
    """Put an artifact into kanade's `app_packages`."""

    release: ReleaseName
    ref: ObjectRef
    artifact: Artifact
    replaces: int = 0
    """The metadata sequence that was observed: the object must still be that one."""
    is_ours: bool = False
    """It is recorded as ours already, and is put right: it stays ours even when that fails."""

    @property
    def key(self) -> ActionKey:
        """The wish: these bytes under this name."""
        return ActionKey(f"publish-package/{self.ref}/{self.artifact.digest.short}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishScript:
    """Render a script and put it into kanade's `scripts`."""

    release: ReleaseName
    ref: ObjectRef
    script: Script
    digest: Digest
    """Of the rendered text; another one is not published."""
    replaces: int = 0
    is_ours: bool = False

    @property
    def key(self) -> ActionKey:
        """The wish: this text under this name."""
        return ActionKey(f"publish-script/{self.ref}/{self.digest.short}")


class Stored(StrEnum):
    """Which of kanade's stores an object is in."""

    PACKAGE = "package"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Read an object of ours as a host would, and hash it: its publication was broken off."""

    release: ReleaseName
    kind: Stored
    ref: ObjectRef
    digest: Digest

    @property
    def key(self) -> ActionKey:
        """The wish: these bytes under this name, seen to be so."""
        return ActionKey(f"read-back/{self.kind}/{self.ref}/{self.digest.short}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertJob:
    """Write a job into the catalogue; this moves `script_current` as well."""

    job: JobSpec
    manifest: Mapping[str, Json] = field(repr=False)
    """The whole of it: the release's version, script object and origin filled in."""
    version: Version

    @property
    def key(self) -> ActionKey:
        """The wish: this job in this version."""
        return ActionKey(f"upsert-job/{self.job.id}/{self.version}")

    @property
    def job_id(self) -> JobId:
        """The job that is written."""
        return self.job.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecJob:
    """Send a release's job to one host: a new attempt, its intent kept before the send."""

    attempt: Attempt
    manifest: Mapping[str, Json] = field(repr=False)
    """The job as it stands in the catalogue by then."""

    @property
    def key(self) -> ActionKey:
        """The wish itself."""
        return _attempt_key("exec-job", self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeHost:
    """Send a release's read-only probe job to one host."""

    attempt: Attempt
    manifest: Mapping[str, Json] = field(repr=False)

    @property
    def key(self) -> ActionKey:
        """The wish itself."""
        return _attempt_key("probe-host", self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendCommand:
    """Send an attempt's own bytes again: they are not in the host's slot, and nothing answered."""

    attempt: Attempt
    slot: int = 0
    """Where the command stands that is in the slot in its place; 0 for none."""

    @property
    def key(self) -> ActionKey:
        """The wish itself."""
        return _attempt_key("resend-command", self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAgent:
    """Set which version of itself a host's agent is to run; it updates itself."""

    host: HostName
    version: Version

    @property
    def key(self) -> ActionKey:
        """The wish: this agent on this host."""
        return ActionKey(f"rollout-agent/{self.version}/{self.host}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRecord:
    """Keep a release that was proved, so that it can be gone back to.

    Or one that people have approved, so that the next one can be compared with it.
    """

    record: ReleaseRecord = field(repr=False)
    as_approved: bool = False

    @property
    def key(self) -> ActionKey:
        """The wish: this fingerprint is kept."""
        verb = "keep-approved" if self.as_approved else "keep-record"
        return ActionKey(f"{verb}/{self.record.release}/{self.record.fingerprint[:12]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRelease:
    """Keep in mind that a fingerprint has failed, with the evidence."""

    quarantine: Quarantine

    @property
    def key(self) -> ActionKey:
        """The wish: this fingerprint is not tried again."""
        found = self.quarantine
        return ActionKey(f"quarantine/{found.release}/{found.fingerprint[:12]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRevert:
    """Push a branch that takes a quarantined fingerprint out of git, for people to merge."""

    release: Release = field(repr=False)
    """As git says it."""
    quarantine: Quarantine
    back_to: ReleaseRecord = field(repr=False)
    is_stored: bool
    """The package that is gone back to is in kanade's store."""

    @property
    def key(self) -> ActionKey:
        """The wish: a way out of this fingerprint."""
        found = self.quarantine
        return ActionKey(f"offer-revert/{found.release}/{found.fingerprint[:12]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePackage:
    """Remove a package that is ours and that nobody needs any more."""

    owner: ReleaseName
    """The release that it was published for, which may be gone by now."""
    ref: ObjectRef
    sequence: int
    """Of the metadata that was observed; 0 when somebody has deleted the object already."""

    @property
    def key(self) -> ActionKey:
        """The wish: this very object away, and no later one of the same name."""
        return ActionKey(f"delete-package/{self.ref}/{self.sequence}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteScript:
    """Remove a script that is ours and that nobody needs any more; see `DeletePackage`."""

    owner: ReleaseName
    ref: ObjectRef
    sequence: int

    @property
    def key(self) -> ActionKey:
        """The wish: this very object away, and no later one of the same name."""
        return ActionKey(f"delete-script/{self.ref}/{self.sequence}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob:
    """Remove a job of our repository that is not in it any more; kanade revokes it, too."""

    job_id: JobId
    version: Version
    """Which was registered."""

    @property
    def key(self) -> ActionKey:
        """The wish: this job away, as it was registered."""
        return ActionKey(f"delete-job/{self.job_id}/{self.version}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRecord:
    """Drop a release record that nobody goes back to any more."""

    release: ReleaseName
    version: Version
    fingerprint: Fingerprint

    @property
    def key(self) -> ActionKey:
        """The wish: this record away."""
        return ActionKey(f"forget-record/{self.release}/{self.version}/{self.fingerprint[:12]}")


Delete: TypeAlias = DeletePackage | DeleteScript | DeleteJob
"""What takes something away from kanade: the brakes are about these."""

Action: TypeAlias = (
    PublishPackage
    | PublishScript
    | ReadBack
    | UpsertJob
    | ExecJob
    | ProbeHost
    | ResendCommand
    | RolloutAgent
    | KeepRecord
    | QuarantineRelease
    | OfferRevert
    | Delete
    | ForgetRecord
)


def _attempt_key(verb: str, attempt: Attempt) -> ActionKey:
    wish_id: WishId = attempt.wish_id
    subject = f"{attempt.job}/{attempt.version}/{attempt.wish.host}"
    return ActionKey(f"{verb}/{subject}/{wish_id[:8]}")
