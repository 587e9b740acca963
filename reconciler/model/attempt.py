"""A command to one host: what the journal keeps of it, from intent to outcome."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.failure import Failure
from reconciler.model.identity import (
    ExecId,
    Fingerprint,
    HostName,
    JobId,
    ObjectRef,
    PackageName,
    ReleaseName,
    RequestId,
    ResultId,
    Version,
    WishId,
)

_REMEMBERED = 5
"""So many commands are known as ours after their results, should a start be reported late."""


class Purpose(StrEnum):
    """Why a command is sent."""

    INSTALL = "install"
    PROBE = "probe"


class Via(StrEnum):
    """The way a command takes to its host."""

    NATS = "nats"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of a host, and the fact that made it necessary.

    `cause` is the id of the last settled fact: a failed result, a refuting probe, an
    operator's retry; empty when nothing of the kind is known. The same wish always has the
    same id, so sending it twice runs it once; a repair has another cause, so it really runs.
    """

    release: ReleaseName
    host: HostName
    fingerprint: Fingerprint
    purpose: Purpose
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended, as its result reports."""

    result_id: ResultId
    exit_code: int
    skipped: bool
    last_line: str
    """The last non-empty line of stdout."""
    stderr_tail: str
    at: datetime
    """When RESULTS took it in: the stream's clock, not the host's."""
    failure: Failure | None

    @property
    def succeeded(self) -> bool:
        """True when the run did what it was sent for."""
        return self.failure is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One wish on its way: intended, sent, started, settled; the journal's entry."""

    wish: Wish
    wish_id: WishId
    package: PackageName
    version: Version
    job: JobId
    script: ObjectRef | None
    script_sha256: str | None
    via: Via
    timeout: timedelta
    intended_at: datetime
    deadline_at: datetime
    payload: str = field(default="", repr=False)
    """The exact bytes to send, filled in before the intent is kept; a resend sends these."""
    number: int = 1
    """Counts the attempts of one purpose and fingerprint on one host."""
    slot_before: int | None = None
    """Where in EXEC the host's last command stood when this one was planned, 0 for none: what is
    later may be this one, whatever the clocks say. `None` where that was not written down."""
    sent_at: datetime | None = None
    slot_sequence: int | None = None
    """Where in EXEC the command was stored, once that is known."""
    request_id: RequestId | None = None
    """The command's; over NATS the wish's own id, over HTTP what kanade made, once it is known."""
    exec_id: ExecId | None = None
    is_other_script: bool = False
    """What the backend has sent is not what was asked for: its result proves nothing."""
    started_at: datetime | None = None
    outcome: Outcome | None = None
    returns_to: Fingerprint | None = None
    """The release record that the host was proved to run before: where a rollback brings it."""
    earlier: tuple[RequestId, ...] = ()
    """The last commands before it, for its purpose and on its host, whose results are in: the start
    of one may still be reported, where NATS was away."""
    heals: int = 0
    """How often drift has been put right there for this fingerprint; each wait is longer."""

    @property
    def ended(self) -> tuple[RequestId, ...]:
        """The newest commands whose results are in, as far as the next one is to know them."""
        if not self.settled:
            return self.earlier
        return (self.request_id or RequestId(self.wish_id), *self.earlier)[:_REMEMBERED]

    @property
    def goes_back(self) -> bool:
        """True when it brings its host back to what was proved there before."""
        return self.returns_to == self.wish.fingerprint

    @property
    def in_doubt(self) -> bool:
        """True while nothing shows which command of the backend's it is, if it is any."""
        return self.via is Via.HTTP and self.request_id is None and not self.settled

    @property
    def settled(self) -> bool:
        """True when a result has reported how it ended."""
        return self.outcome is not None
