"""A revision's files, as they are in git's object database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.identity import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file of a commit; `content` is there when it is small enough to be read at once."""

    path: str
    object_id: str
    size_bytes: int
    content: bytes | None = field(default=None, repr=False)
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Who asked for the revision, and when."""

    revision: Revision
    subject: str
    author: str
    committed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The desired-state folder of one commit; paths are relative to that folder."""

    commit: Commit
    origin: str
    """The repository, without credentials; what `origin.repo` of a job says."""
    folder: str
    """The folder of the repository that `files` is relative to; empty for its top."""
    files: Mapping[str, Blob]
