"""The ways in which a repository exists and still cannot be followed, each with its name."""

from reconciler.errors import ReconcilerError, SourceRefused


class RepositoryEmpty(SourceRefused):
    """The repository has no commit yet."""

    reason = "RepositoryEmpty"


class TagNotBranch(SourceRefused):
    """What should be a branch is a tag."""

    reason = "TagNotBranch"


class DetachedHead(SourceRefused):
    """The repository's HEAD names a commit, so there is no branch to follow."""

    reason = "DetachedHead"


class CloneDamaged(ReconcilerError):
    """Our own copy cannot be read; it is made again, so this never leaves the source."""

    reason = "CloneDamaged"
