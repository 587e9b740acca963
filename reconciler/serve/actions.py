"""What a person asks for over HTTP: the same for a form of the page and for the JSON API."""

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
from reconciler.serve.controls import Controls
from reconciler.serve.refusal import Refusal

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Whose request was written down; the next pass acts on it."""

    release: ReleaseName
    by: str
    action: str


def release_of(controls: Controls, name: str) -> ReleaseStatus:
    """Return the release *name*.

    Raises:
        Refusal: there is none.
    """
    releases = controls.status().releases
    found = releases.get(ReleaseName(name))
    if found is None:
        hint = did_you_mean(name, releases)
        raise Refusal(HTTPStatus.NOT_FOUND, f"no release {printable(name)} is known{hint}")
    return found


async def approve(controls: Controls, name: str, by: str, request: Approve) -> Done:
    """Approve what the person has read, and nothing that has come since.

    Raises:
        Refusal: it is another fingerprint now, or approvals must be signed.
    """
    release = release_of(controls, name)
    if controls.needs_signature:
        detail = f"approvals are signed with a key here: reconciler approve {release.name}"
        raise Refusal(HTTPStatus.CONFLICT, detail)
    if request.fingerprint != release.fingerprint:
        detail = f"{release.name} is another one now, {release.fingerprint[:12]}: read it again"
        raise Refusal(HTTPStatus.CONFLICT, detail)
    approval = Approval(
        release=release.name,
        fingerprint=release.fingerprint,
        approver=by,
        at=controls.clock.now(),
        reason=request.reason,
    )
    with _written():
        await controls.book.approve(approval)
    return _done(release, by, "approve", request.reason)


async def suspend(controls: Controls, name: str, by: str, request: Suspend) -> Done:
    """Stop a release where it stands.

    Raises:
        Refusal: the end of it is in the past.
    """
    release, now = release_of(controls, name), controls.clock.now()
    if request.until is not None and request.until <= now:
        raise Refusal(HTTPStatus.CONFLICT, "until is in the past")
    suspension = Suspension(
        release=release.name, by=by, reason=request.reason, since=now, until=request.until
    )
    with _written():
        await controls.book.suspend(suspension)
    return _done(release, by, "suspend", request.reason)


async def resume(controls: Controls, name: str, by: str, request: Resume) -> Done:
    """Let a release go on that was suspended or rolled back."""
    release = release_of(controls, name)
    with _written():
        await controls.book.resume(release.name)
    return _done(release, by, "resume", request.reason)


def _done(release: ReleaseStatus, by: str, action: str, reason: str) -> Done:
    log.info("a person's word", action=action, release=release.name, by=by, reason=reason)
    return Done(release=release.name, by=by, action=action)


@contextmanager
def _written() -> Iterator[None]:
    """Answer with what keeps a request from being written down."""
    try:
        yield
    except TransientError as error:
        detail = f"it was not written down: {error}; try again"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"}) from error
    except ReconcilerError as error:
        raise Refusal(HTTPStatus.CONFLICT, f"it was not written down: {error}") from error
