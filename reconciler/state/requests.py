"""What people ask of the controller; written by the command line, read by the planner."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar

from reconciler.jetstream.kv import Bucket, decode_key
from reconciler.jetstream.mirror import Mirror
from reconciler.model.approval import Approval, Checked, Gate, Override, Signed, Word
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.observed import Look, Requests, Retry, Return, Suspension
from reconciler.model.pruning import PruneApproval
from reconciler.state.codec import encode
from reconciler.state.names import (
    APPROVALS,
    LOOKS,
    OVERRIDES,
    PRUNE,
    REQUESTS_BUCKET,
    RETRIES,
    RETURNS,
    SUSPENSIONS,
    request_key,
)
from reconciler.state.table import Table

S = TypeVar("S", bound=Signed)


class RequestBook:
    """The requests bucket: no leader writes it, so it is not fenced."""

    def __init__(self, bucket: Bucket, mirror: Mirror) -> None:
        self._bucket = bucket
        self._approvals: Table[tuple[ReleaseName, Fingerprint, str], Approval] = Table(
            mirror, REQUESTS_BUCKET, APPROVALS, Approval, _approval_key
        )
        self._overrides: Table[tuple[ReleaseName, Fingerprint, Gate], Override] = Table(
            mirror, REQUESTS_BUCKET, OVERRIDES, Override, _override_key
        )
        self._suspensions: Table[ReleaseName, Suspension] = Table(
            mirror, REQUESTS_BUCKET, SUSPENSIONS, Suspension, lambda item: item.release
        )
        self._retries: Table[ReleaseName, Retry] = Table(
            mirror, REQUESTS_BUCKET, RETRIES, Retry, lambda item: item.release
        )
        self._returns: Table[ReleaseName, Return] = Table(
            mirror, REQUESTS_BUCKET, RETURNS, Return, lambda item: item.release
        )
        self._prune: Table[None, PruneApproval] = Table(
            mirror, REQUESTS_BUCKET, PRUNE, PruneApproval, lambda _: None
        )
        self._looks: Table[None, Look] = Table(mirror, REQUESTS_BUCKET, LOOKS, Look, lambda _: None)

    def read(self) -> Requests:
        """Return everything that is asked for now; no word counts before it was checked."""
        words: tuple[Word, ...] = (
            *self._approvals.read().values(),
            *self._overrides.read().values(),
        )
        prune = self._prune.read().get(None)
        return Requests(
            words=tuple(_unchecked(word) for word in words),
            suspensions={**self._unreadable(), **self._suspensions.read()},
            retries=self._retries.read(),
            returns=self._returns.read(),
            prune=_unchecked(prune) if prune is not None else None,
            look=self._looks.read().get(None),
        )

    def _unreadable(self) -> Mapping[ReleaseName, Suspension]:
        """A release that somebody stopped, or told to go back, stands still when nobody knows why.

        Where it was to go back to is not known either, and forward is where it should not go.
        """
        found: dict[ReleaseName, Suspension] = {}
        for table, reason in (
            (self._returns, _UNREADABLE_RETURN),
            (self._suspensions, _UNREADABLE),
        ):
            for key, message in table.unreadable().items():
                with suppress(ValueError):  # a key that is none of ours
                    name = ReleaseName(decode_key(key))
                    since = message.timestamp
                    found[name] = Suspension(
                        release=name, by="somebody", reason=reason, since=since
                    )
        return found

    async def approve(self, approval: Approval) -> None:
        """Let a release's fingerprint through; the same person's word counts once."""
        key = request_key(APPROVALS, approval.release, approval.fingerprint[:16], approval.approver)
        await self._bucket.put(key, encode(approval))

    async def approve_prune(self, approval: PruneApproval) -> None:
        """Let a held prune through; a later word takes this one's place."""
        await self._bucket.put(f"{PRUNE}.it", encode(approval))

    async def look(self, look: Look) -> None:
        """Ask for a look; a later word takes this one's place, and is answered for both."""
        await self._bucket.put(f"{LOOKS}.it", encode(look))

    async def override(self, word: Override) -> None:
        """Let a release's fingerprint pass a gate for a while; a later word replaces this one."""
        key = request_key(OVERRIDES, word.release, word.fingerprint[:16], word.gate)
        await self._bucket.put(key, encode(word))

    async def suspend(self, suspension: Suspension) -> None:
        """Stop a release where it stands."""
        await self._bucket.put(request_key(SUSPENSIONS, suspension.release), encode(suspension))

    async def resume(self, release: ReleaseName) -> None:
        """Let a release go on that was suspended, or told to go back."""
        for prefix in (SUSPENSIONS, RETURNS):
            await self._bucket.delete(request_key(prefix, release))

    async def retry(self, retry: Retry) -> None:
        """Let a failed fingerprint be tried once more."""
        await self._bucket.put(request_key(RETRIES, retry.release), encode(retry))

    async def go_back(self, word: Return) -> None:
        """Bring a release back to what was proved before."""
        await self._bucket.put(request_key(RETURNS, word.release), encode(word))


_UNREADABLE = "the record of it cannot be read; resume the release, or suspend it anew"
_UNREADABLE_RETURN = (
    "told to go back, and the record of it cannot be read; roll it back anew, or resume the release"
)


def _unchecked(word: S) -> Checked[S]:
    return Checked(word=word, refusal="it has not been checked yet", pending=True)


def _override_key(word: Override) -> tuple[ReleaseName, Fingerprint, Gate]:
    return word.release, word.fingerprint, word.gate


def _approval_key(approval: Approval) -> tuple[ReleaseName, Fingerprint, str]:
    return approval.release, approval.fingerprint, approval.approver
