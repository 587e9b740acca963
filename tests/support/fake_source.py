"""The fakes of the repository, of its artifacts and of the secrets, over a `World`."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.errors import (
    ArtifactRefused,
    ArtifactUnavailable,
    PushRefused,
    SecretUnavailable,
    SourceRefused,
)
from reconciler.model.desired import Artifact, BlobArtifact
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import Revision, SecretName, Version
from reconciler.model.revert import Proposal
from reconciler.model.secret import Secret
from reconciler.model.snapshot import Snapshot
from reconciler.ports import BytesContent
from tests.support.fake_world import World


class FakeSource:
    """Implements `ports.Source`; what was applied is kept in the world, as in a clone on disk."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def fetch(self) -> Snapshot:
        async with self._world.weather.around("source.fetch"):
            repository = self._world.repository
            if repository.head is None:
                raise SourceRefused("the branch has no commit")
            return repository.commits[repository.head]

    async def applied(self, revision: Revision) -> None:
        async with self._world.weather.around("source.applied"):
            self._world.repository.applied = revision

    async def last_applied(self) -> Snapshot | None:
        async with self._world.weather.around("source.last_applied"):
            repository = self._world.repository
            if repository.applied is None:
                return None
            return repository.commits[repository.applied]


class FakeReverts:
    """Implements `ports.Reverts`; a commit is named by what is in it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def push(self, proposal: Proposal) -> Revision:
        async with self._world.weather.around("reverts.push", proposal):
            repository = self._world.repository
            kept = repository.branches.get(proposal.branch)
            if kept is None and repository.read_only:
                raise PushRefused(repository.read_only)
            kept = repository.branches.setdefault(proposal.branch, proposal)
            parts = repr((kept.base, kept.path, kept.content, kept.message, kept.at))
            return Revision(hashlib.sha1(parts.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True)
class LabelledBytes(BytesContent):
    """Implements `ports.LabelledContent`."""

    version: Version | None = None

    async def stated_version(self) -> Version | None:
        return self.version


@dataclass(kw_only=True)
class FakeArtifacts:
    """Implements `ports.Artifacts` for the files of a commit."""

    world: World
    labels: dict[str, Version] = field(default_factory=dict)
    """The version that the file at a path says of itself."""

    @asynccontextmanager
    async def open(self, artifact: Artifact, snapshot: Snapshot) -> AsyncIterator[LabelledBytes]:
        async with self.world.weather.around("artifacts.open"):
            match artifact.origin:
                case BlobArtifact(path=path) if path in snapshot.files:
                    blob = snapshot.files[path]
                case BlobArtifact(path=path):
                    raise ArtifactRefused(f"{path}: the commit has no such file")
                case other:
                    raise ArtifactUnavailable(f"{other}: only the commit's own files are here")
        yield LabelledBytes(blob.content or b"", self.labels.get(path))


GATEWAY_KEY = TokenKey(secret=Secret("k" * 32), epoch=timedelta(days=7))


class FakeSecrets:
    """Implements `ports.Secrets`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def resolve(self, name: SecretName) -> str:
        try:
            return self._world.secrets[name]
        except KeyError as error:
            raise SecretUnavailable(f"secret {name}: not in the settings") from error

    def token(self, grant: DownloadGrant) -> str:
        return GATEWAY_KEY.token(grant, self._world.clock.now())
