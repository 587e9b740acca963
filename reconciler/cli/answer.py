"""The controller's answer to an approval, which may not count."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from reconciler.cli import exits
from reconciler.cli.render import complain, say
from reconciler.cli.signing import Signer
from reconciler.cli.status_client import StatusClient
from reconciler.model.approval import Signed
from reconciler.model.pruning import PruneApproval
from reconciler.model.status import ApprovalStatus, Status

_PATIENCE = timedelta(seconds=10)
_ANOTHER = "it is another one now: read it again"
_LATE = "no controller has said yet whether that counts: see reconciler events"
_NOBODY = "no controller leads now: the next run or apply says whether that counts"


async def answer_to(client: StatusClient, signer: Signer, request: Signed, done: str) -> int:
    """Wait until the controller has reported whether *request* counts; return the exit code.

    *done* is printed unless it does not; where no controller leads nothing is waited for, and the
    list of signers that is known here decides.
    """
    refusal: str | None = None
    led = client.is_led()
    if led:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                async for status in client.statuses():
                    refusal = _refusal(request, status)
                    if refusal is not None:
                        break
    heard = refusal is not None
    refusal = refusal if heard else signer.refusal(request)
    if refusal:
        complain(f"the request of {request.approver} does not count: {refusal}")
        return exits.HELD
    say(done)
    if not heard:
        complain(_LATE if led else _NOBODY)
    return exits.DONE


def _refusal(request: Signed, status: Status) -> str | None:
    """Return why *request* does not count, empty when it does; `None` while that is unknown."""
    known: Iterable[ApprovalStatus]
    if isinstance(request, PruneApproval):
        held, last = status.controller.held_prune, status.controller.prune_word
        known, stands = (last,) if last is not None else (), held is None or request.covers(held)
    else:
        release = status.releases.get(request.release)
        known = release.words if release is not None else ()
        stands = release is not None and release.fingerprint == request.fingerprint
    if not stands:
        return _ANOTHER
    mine = [item for item in known if (item.by, item.at) == (request.approver, request.at)]
    return next((item.refusal for item in mine if not item.pending), None)
