"""What people ask of the controller; written by the command line, read by the planner."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar

from reconciler.jetstream.kv import Bucket, decode_key
from reconciler.jetstream.mirror import Mirror
from reconciler.model.approval import Approval, ApprovalOrOverride, Checked, Gate, Override, Signed
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.observed import ReconcileRequest, Requests, Retry, Return, Suspension
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
        self._reconcile: Table[None, ReconcileRequest] = Table(
            mirror, REQUESTS_BUCKET, LOOKS, ReconcileRequest, lambda _: None
        )

    def read(self) -> Requests:
        """Return everything that is asked for now; no approval counts before it was checked."""
        approvals: tuple[ApprovalOrOverride, ...] = (
            *self._approvals.read().values(),
            *self._overrides.read().values(),
        )
        prune = self._prune.read().get(None)
        return Requests(
            approvals=tuple(_unchecked(approval) for approval in approvals),
            suspensions={**self._unreadable(), **self._suspensions.read()},
            retries=self._retries.read(),
            returns=self._returns.read(),
            prune=_unchecked(prune) if prune is not None else None,
            reconcile=self._reconcile.read().get(None),
        )

    def _unreadable(self) -> Mapping[ReleaseName, Suspension]:
        """Suspend a release whose suspension or rollback request cannot be read.

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
        """Let a release's fingerprint through; the same person's approval counts once."""
        key = request_key(APPROVALS, approval.release, approval.fingerprint[:16], approval.approver)
        await self._bucket.put(key, encode(approval))

    async def approve_prune(self, approval: PruneApproval) -> None:
        """Let a held prune through; a later approval replaces this one."""
        await self._bucket.put(f"{PRUNE}.it", encode(approval))

    async def request_reconcile(self, request: ReconcileRequest) -> None:
        """Ask for a pass now; a later request replaces this one, and is answered for both."""
        await self._bucket.put(f"{LOOKS}.it", encode(request))

    async def override(self, override: Override) -> None:
        """Let a release's fingerprint pass a gate for a while; a later override replaces this."""
        key = request_key(OVERRIDES, override.release, override.fingerprint[:16], override.gate)
        await self._bucket.put(key, encode(override))

    async def suspend(self, suspension: Suspension) -> None:
        """Stop a release where it stands."""
        await self._bucket.put(request_key(SUSPENSIONS, suspension.release), encode(suspension))

    async def resume(self, release: ReleaseName) -> None:
        """Let a release go on that was suspended or rolled back."""
        for prefix in (SUSPENSIONS, RETURNS):
            await self._bucket.delete(request_key(prefix, release))

    async def retry(self, retry: Retry) -> None:
        """Let a failed fingerprint be tried once more."""
        await self._bucket.put(request_key(RETRIES, retry.release), encode(retry))

    async def go_back(self, request: Return) -> None:
        """Roll a release back to what was proved before."""
        await self._bucket.put(request_key(RETURNS, request.release), encode(request))


_UNREADABLE = "the record of it cannot be read; resume the release, or suspend it again"
_UNREADABLE_RETURN = (
    "rolled back, and the record of it cannot be read; roll it back again, or resume the release"
)


def _unchecked(signed: S) -> Checked[S]:
    return Checked(signed=signed, refusal="it has not been checked yet", pending=True)


def _override_key(override: Override) -> tuple[ReleaseName, Fingerprint, Gate]:
    return override.release, override.fingerprint, override.gate


def _approval_key(approval: Approval) -> tuple[ReleaseName, Fingerprint, str]:
    return approval.release, approval.fingerprint, approval.approver
