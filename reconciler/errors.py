"""Every error the reconciler raises on purpose, by what the loop does next.

* ReconcilerError
  x TransientError          try again, with backoff
    + SourceUnavailable     git did not answer; the last good revision stays in force
    + KanadeUnavailable     NATS or the backend did not answer: nothing is known
    + LeaseLost             another controller leads: stop before the next effect
  x StalledError            stop until a new commit or a person
    + InvalidDesiredState   faults of a revision, all at once
    + SourceRefused         the repository, ref or history is not to be used
    + ArtifactRefused       the bytes cannot be had, or are not the right ones
    + KanadeRefused         kanade answered no
    + Conflict              somebody else changed it meanwhile: look again
  x UsageError              the command line or the settings are wrong

A pass over one release catches `ReconcilerError`; anything else is a bug. Errors of nats-py,
aiohttp and git never cross the module that calls them: they are chained with `raise ... from`.
"""

from dataclasses import dataclass
from typing import ClassVar

from reconciler.model.identity import Position


class ReconcilerError(Exception):
    """Base class; `reason` is the PascalCase word of conditions, metrics and logs alike."""

    reason: ClassVar[str] = "Failed"
    exit_code: ClassVar[int] = 70


class TransientError(ReconcilerError):
    """It may go away by itself: the loop tries again, with backoff."""


class StalledError(ReconcilerError):
    """It does not go away by itself: the loop waits for a new commit, or for a person."""


class UsageError(ReconcilerError):
    """The command line or the settings are wrong; nothing was started."""

    reason = "UsageError"
    exit_code = 2


class SourceUnavailable(TransientError):
    """Git did not answer, or not in time; the last good revision stays in force."""

    reason = "GitUnavailable"
    exit_code = 3


class SourceRefused(StalledError):
    """The repository, its ref or its history is not to be used as it is."""

    reason = "SourceRefused"
    exit_code = 3


@dataclass(eq=False)
class HistoryRewritten(SourceRefused):
    """The branch does not descend from the applied commit."""

    applied: str
    found: str
    reason = "HistoryRewritten"

    def __str__(self) -> str:
        return (
            f"commit {self.found[:12]} does not descend from the applied {self.applied[:12]}: "
            "the branch was rewritten; run with --accept-rewrite to follow it"
        )


class BranchGone(SourceRefused):
    """The branch or tag is not in the repository any more."""

    reason = "BranchGone"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a file: where, what was found, what is expected."""

    position: Position
    message: str

    def __str__(self) -> str:
        return f"{self.position}: {self.message}"


@dataclass(eq=False)
class InvalidDesiredState(StalledError):
    """A revision has faults: it changes nothing, and the last good one stays in force."""

    faults: tuple[Fault, ...]
    reason = "InvalidDesiredState"
    exit_code = 2

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class KanadeUnavailable(TransientError):
    """NATS or the backend did not answer: what was asked is unknown, never absent."""

    reason = "KanadeUnavailable"
    exit_code = 4


class KanadeRefused(StalledError):
    """NATS or the backend answered no."""

    reason = "KanadeRefused"
    exit_code = 4


class Unauthorized(KanadeRefused):
    """The credential was refused, or may not do this."""

    reason = "AuthFailed"


class NoRoom(KanadeRefused):
    """A bucket, an account or a disk is full."""

    reason = "NoRoom"


class Conflict(StalledError):
    """Somebody else changed it since it was read: nothing was written; look again."""

    reason = "Conflict"
    exit_code = 4


class LeaseLost(TransientError):
    """Another controller leads: nothing more may be done by this one."""

    reason = "LeaseLost"
    exit_code = 4


class ArtifactUnavailable(TransientError):
    """The artifact's server did not answer."""

    reason = "ArtifactUnavailable"
    exit_code = 5


class ArtifactRefused(StalledError):
    """The artifact cannot be had, or is not what the commit says."""

    reason = "ArtifactRefused"
    exit_code = 5


@dataclass(eq=False)
class DigestMismatch(ArtifactRefused):
    """The bytes at hand are not the bytes that the commit names; nothing was published."""

    subject: str
    expected: str
    actual: str
    reason = "DigestMismatch"

    def __str__(self) -> str:
        return (
            f"{self.subject}: expected sha256 {self.expected}, got {self.actual}; "
            "publish the right file or correct the sha256"
        )


class SecretUnavailable(StalledError):
    """A secret that a knob refers to cannot be resolved."""

    reason = "SecretUnavailable"
    exit_code = 2
