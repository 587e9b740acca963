"""A revert that people may merge: what is proposed to the repository, and with what result."""

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.identity import Fingerprint, ReleaseName, Revision, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One commit on a branch of its own; the same proposal is always the same commit."""

    branch: str
    base: Revision
    """What the commit is made on top of."""
    path: str
    """The one file that it changes, counted from the top of the repository."""
    content: bytes = field(repr=False)
    message: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertOffer:
    """The result of offering to take a quarantined fingerprint out of git; reported once."""

    release: ReleaseName
    fingerprint: Fingerprint
    """The one that is quarantined."""
    to: Version
    branch: str
    commit: Revision | None = None
    """Where the branch was then; `None` where it could not be made."""
    refusal: str = ""
    """Why it could not be made."""
    by_hand: str = ""
    """The commands that a person may give instead."""
    at: datetime
