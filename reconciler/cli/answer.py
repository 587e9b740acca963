"""What the controller makes of a person's word, which may not count."""

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
from reconciler.model.status import Status, WordStatus

_PATIENCE = timedelta(seconds=10)
_ANOTHER = "it is another one now: look at it again"
_LATE = "no controller has said yet whether that counts: reconciler events will tell"
_NOBODY = "no controller leads now: the next run or apply says whether that counts"


async def answer_to(client: StatusClient, signer: Signer, word: Signed, done: str) -> int:
    """Wait until the controller has told whether *word* counts, and return the exit code.

    *done* is said unless it does not; where no controller leads nobody is waited for, and the
    list of signers that is known here is asked.
    """
    refusal: str | None = None
    led = client.is_led()
    if led:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                async for status in client.statuses():
                    refusal = _refusal(word, status)
                    if refusal is not None:
                        break
    heard = refusal is not None
    refusal = refusal if heard else signer.refusal(word)
    if refusal:
        complain(f"the word of {word.approver} does not count: {refusal}")
        return exits.HELD
    say(done)
    if not heard:
        complain(_LATE if led else _NOBODY)
    return exits.DONE


def _refusal(word: Signed, status: Status) -> str | None:
    """Return why *word* does not count, empty when it does; `None` while nobody has said."""
    told: Iterable[WordStatus]
    if isinstance(word, PruneApproval):
        held, last = status.controller.held_prune, status.controller.prune_word
        told, stands = (last,) if last is not None else (), held is None or word.covers(held)
    else:
        release = status.releases.get(word.release)
        told = release.words if release is not None else ()
        stands = release is not None and release.fingerprint == word.fingerprint
    if not stands:
        return _ANOTHER
    mine = [item for item in told if (item.by, item.at) == (word.approver, word.at)]
    return next((item.refusal for item in mine if not item.pending), None)
