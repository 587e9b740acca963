"""Every error the reconciler raises on purpose, by what the loop does next.

* ReconcilerError
  x TransientError          try again, with backoff
    + SourceUnavailable     git did not answer; the last good revision stays in force
    + KanadeUnavailable     NATS or the backend did not answer: nothing is known
    + HostOffline           no agent listens for what was asked of a host
    + Conflict              it is not what was planned for any more: plan again
    + LeaseLost             another controller leads: stop before the next effect
    + ArtifactUnavailable   the artifact's server did not answer
    + NotificationNotDelivered  a notification; it is sent again later
  x StalledError            stop until a new commit or a person
    + InvalidDesiredState   faults of a revision, all at once
    + InternalError         a revision that we stumble over ourselves: a bug, and not its fault
    + SourceRefused         the repository, ref or history is not to be used
      - HistoryRewritten    the branch does not descend from the applied commit
      - BranchGone          the branch or tag is not there any more
    + PushRefused           the repository does not take a branch of ours
    + ArtifactRefused       the bytes cannot be had as the commit says
      - DigestMismatch      the bytes at hand are not the right ones
    + SecretUnavailable     a secret that a knob refers to cannot be resolved
    + KanadeRefused         NATS or the backend answered no
      - Unauthorized        the credential was refused, or may not do this
      - NoRoom              a bucket, an account or a disk is full
    + SignatureRefused      a person's request is not signed as it must be
    + Undeliverable         a notification; sending it again would not help
  x UsageError              the command line or the settings are wrong

A few more live beside the only code that raises them. The applier turns a `ReconcilerError` into
a failed step, but for `LeaseLost`, which ends the pass; the loop turns one into a failed pass.
Anything else is a bug, and ends the program. Errors of nats-py, aiohttp and git never cross the
module that calls them: they are chained with `raise ... from`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeVar

from reconciler.model.identity import Position

_Kind = TypeVar("_Kind", bound=BaseException)


def first_of(group: BaseExceptionGroup[_Kind]) -> _Kind:
    """Return the first error of *group*, however deep it is."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


class ReconcilerError(Exception):
    """Base class; `reason` is in PascalCase, the same in conditions, metrics and logs."""

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


class PushRefused(StalledError):
    """The repository does not take a branch of ours: no rights, or a rule of its own."""

    reason = "PushRefused"
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


@dataclass(eq=False)
class InternalError(StalledError):
    """Reading a revision ended in a bug of ours: it changes nothing; the last good one stays."""

    revision: str
    cause: Exception
    reason = "InternalError"
    exit_code = 70

    def __str__(self) -> str:
        message = f"{type(self.cause).__name__}: {self.cause}".splitlines()[0]
        return (
            f"bug: revision {self.revision[:12]} cannot be read: {message}; nothing of it is "
            "applied: please report it, with what --debug adds"
        )


class KanadeUnavailable(TransientError):
    """NATS or the backend did not answer: what was asked is unknown, never absent."""

    reason = "KanadeUnavailable"
    exit_code = 4


class HostOffline(TransientError):
    """NATS says that no agent of that host listens: it is off, cut off, or has another name."""

    reason = "HostOffline"
    exit_code = 4


class Conflict(TransientError):
    """It has changed since it was read: nothing was done about it; the next pass reads it again."""

    reason = "Conflict"
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


class SignatureRefused(StalledError):
    """A person's request is not signed, or not by a key that the list of signers knows."""

    reason = "SignatureRefused"
    exit_code = 2


class LeaseLost(TransientError):
    """Another controller leads: nothing more may be done by this one."""

    reason = "LeaseLost"
    exit_code = 4


class NotificationNotDelivered(TransientError):
    """A notification did not get through; *after* is when the far end wants it again."""

    reason = "NotificationNotDelivered"

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Undeliverable(StalledError):
    """A notification was refused, or has nowhere to go: sending it again would not help."""

    reason = "Undeliverable"


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
