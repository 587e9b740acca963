"""What a person does from their seat: the same for a form of the page and for the JSON API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import structlog

from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import ReconcilerError, TransientError
from reconciler.model.approval import Approval
from reconciler.model.identity import ReleaseName
from reconciler.model.observed import Suspension
from reconciler.model.status import ReleaseStatus
from reconciler.serve.asked import Approve, Resume, Suspend
from reconciler.serve.refusal import Refusal
from reconciler.serve.seat import Seat

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Whose word was written down; the next pass goes by it."""

    release: ReleaseName
    by: str
    deed: str


def release_of(seat: Seat, name: str) -> ReleaseStatus:
    """Return the release *name*.

    Raises:
        Refusal: there is none.
    """
    releases = seat.status().releases
    found = releases.get(ReleaseName(name))
    if found is None:
        hint = did_you_mean(name, releases)
        raise Refusal(HTTPStatus.NOT_FOUND, f"no release {printable(name)} is known{hint}")
    return found


async def approve(seat: Seat, name: str, by: str, word: Approve) -> Done:
    """Approve what the person has looked at, and nothing that has come since.

    Raises:
        Refusal: it is another fingerprint now, or words must be signed.
    """
    release = release_of(seat, name)
    if seat.signed_words:
        detail = f"approvals are signed with a key here: reconciler approve {release.name}"
        raise Refusal(HTTPStatus.CONFLICT, detail)
    if word.fingerprint != release.fingerprint:
        detail = f"{release.name} is another one now, {release.fingerprint[:12]}: look again"
        raise Refusal(HTTPStatus.CONFLICT, detail)
    approval = Approval(
        release=release.name,
        fingerprint=release.fingerprint,
        approver=by,
        at=seat.clock.now(),
        reason=word.reason,
    )
    with _written():
        await seat.book.approve(approval)
    return _done(release, by, "approve", word.reason)


async def suspend(seat: Seat, name: str, by: str, word: Suspend) -> Done:
    """Stop a release where it stands.

    Raises:
        Refusal: the end of it is in the past.
    """
    release, now = release_of(seat, name), seat.clock.now()
    if word.until is not None and word.until <= now:
        raise Refusal(HTTPStatus.CONFLICT, "until is in the past")
    suspension = Suspension(
        release=release.name, by=by, reason=word.reason, since=now, until=word.until
    )
    with _written():
        await seat.book.suspend(suspension)
    return _done(release, by, "suspend", word.reason)


async def resume(seat: Seat, name: str, by: str, word: Resume) -> Done:
    """Let a release go on that was suspended, or told to go back."""
    release = release_of(seat, name)
    with _written():
        await seat.book.resume(release.name)
    return _done(release, by, "resume", word.reason)


def _done(release: ReleaseStatus, by: str, deed: str, reason: str) -> Done:
    log.info("a person's word", deed=deed, release=release.name, by=by, reason=reason)
    return Done(release=release.name, by=by, deed=deed)


@contextmanager
def _written() -> Iterator[None]:
    """Tell what keeps a word from being written down."""
    try:
        yield
    except TransientError as error:
        detail = f"it was not written down: {error}; try again"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"}) from error
    except ReconcilerError as error:
        raise Refusal(HTTPStatus.CONFLICT, f"it was not written down: {error}") from error
