"""Decoded files before the rules between them have been checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.desired.node import Document, Key, Path, find, key_place, place
from reconciler.desired.salvage import touches
from reconciler.desired.schemas import Kind
from reconciler.errors import Fault
from reconciler.model.desired import (
    Artifact,
    DriftPolicy,
    Host,
    JobSpec,
    Knob,
    Rollout,
    Targets,
    Verify,
)
from reconciler.model.identity import (
    HostName,
    JobId,
    PackageName,
    Position,
    ReleaseName,
    Version,
)
from reconciler.model.policy import ApprovalPolicy, Window
from reconciler.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class HostDraft:
    """A host and where it is declared."""

    host: Host
    position: Position


@dataclass(frozen=True, slots=True)
class HostWindowDraft:
    """A window of all hosts with some labels, and where those stand."""

    labels: Mapping[str, str]
    window: Window
    position: Position


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job and its file."""

    job: JobSpec
    document: Document

    def fault(self, message: str, *path: Key) -> Fault:
        """Return a fault at the value that *path* leads to."""
        return Fault(place(self.document.root, path), message)

    def has(self, name: str) -> bool:
        """True when the file itself says *name* in its `execute`."""
        execute = self.job.manifest.get("execute")
        return isinstance(execute, dict) and name in execute


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptDraft:
    """A release's script section; `path` is counted from the desired state's folder."""

    path: str
    object_name: str
    knobs: Mapping[str, Knob]
    allow_loopback: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDraft:
    """A release and its file; where that has faults, it `knows` a part of what it says."""

    document: Document
    broken: frozenset[Path]
    name: ReleaseName
    package: PackageName
    version: Version
    artifact: Artifact
    script: ScriptDraft
    job: JobId
    targets: Targets
    verify: Verify
    rollout: Rollout
    depends_on: frozenset[ReleaseName]
    suspend: bool
    allow_downgrade: bool
    adopt: bool
    drift: DriftPolicy
    keep_versions: int
    approval: ApprovalPolicy | None
    requires_agent: Version | None
    upgrade_agent: Version | None
    windows: tuple[Window, ...]
    yanked: frozenset[Version]

    @property
    def position(self) -> Position:
        """Where its name stands."""
        return place(self.document.root, ("name",))

    def knows(self, *path: Key) -> bool:
        """False when the file has a fault at *path*: a rule must not judge what is there."""
        return not touches(path, self.broken)

    @property
    def placeholders(self) -> dict[str, str]:
        """What may stand in braces, and what for."""
        return {
            "name": self.name,
            "package": self.package,
            "version": self.version,
            "sha256": self.artifact.digest.hex,
        }

    def fault(self, message: str, *path: Key) -> Fault:
        """Return a fault at the value that *path* leads to."""
        return Fault(place(self.document.root, path), message)

    def key_fault(self, message: str, *path: Key) -> Fault:
        """Return a fault at the key that *path* ends with."""
        return Fault(key_place(self.document.root, path), message)

    def item_fault(self, message: str, item: str, *path: Key) -> Fault:
        """Return a fault at *item* of the list that *path* leads to."""
        found = find(self.document.root, path)
        items = found.value if found is not None and isinstance(found.value, list) else []
        for node in items:
            if node.text == item:
                return Fault(node.position, message)
        return self.fault(message, *path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """All that a revision declares, before the rules between files have been checked.

    Of a kind in *unread* some file could not be read: what is not here may stand there, so
    it is not reported as missing.
    """

    snapshot: Snapshot
    releases: tuple[ReleaseDraft, ...]
    jobs: Mapping[JobId, JobDraft]
    hosts: Mapping[HostName, HostDraft]
    windows: tuple[HostWindowDraft, ...]
    carriers: Mapping[tuple[str, str], frozenset[HostName]]
    """The hosts that carry each label, by key and value."""
    unread: frozenset[Kind]

    def knowing(self, *names: str) -> tuple[ReleaseDraft, ...]:
        """Return the releases that know all of *names*, members of theirs."""
        return tuple(one for one in self.releases if all(map(one.knows, names)))

    def selected(self, targets: Targets) -> frozenset[HostName]:
        """Return the declared hosts that names and labels select; groups are looked up live."""
        return targets.hosts | self.carrying(targets.labels)

    def carrying(self, labels: Mapping[str, str]) -> frozenset[HostName]:
        """Return the declared hosts with all of *labels*; none for no labels."""
        sets = [self.carriers.get(label, frozenset()) for label in labels.items()]
        return frozenset.intersection(*sets) if sets else frozenset()
