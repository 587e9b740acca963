"""Everything that can be done to the outside, as data; a plan is made of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType, TypeAlias

from reconciler.model.attempt import Attempt
from reconciler.model.desired import Artifact, JobSpec, Script
from reconciler.model.digest import Digest
from reconciler.model.identity import JobId, Json, ObjectRef, ReleaseName, Version, WishId

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

    @property
    def key(self) -> ActionKey:
        """The wish: this text under this name."""
        return ActionKey(f"publish-script/{self.ref}/{self.digest.short}")


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

    @property
    def key(self) -> ActionKey:
        """The wish itself."""
        return _attempt_key("resend-command", self.attempt)


Action: TypeAlias = PublishPackage | PublishScript | UpsertJob | ExecJob | ProbeHost | ResendCommand


def _attempt_key(verb: str, attempt: Attempt) -> ActionKey:
    wish_id: WishId = attempt.wish_id
    subject = f"{attempt.job}/{attempt.version}/{attempt.wish.host}"
    return ActionKey(f"{verb}/{subject}/{wish_id[:8]}")
