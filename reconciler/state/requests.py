"""What people ask of the controller; written by the command line, read by the planner."""

from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.observed import Approval, Requests, Retry, Suspension
from reconciler.state.codec import encode
from reconciler.state.names import (
    APPROVALS,
    REQUESTS_BUCKET,
    RETRIES,
    SUSPENSIONS,
    request_key,
)
from reconciler.state.table import Table


class RequestBook:
    """The requests bucket: no leader writes it, so it is not fenced."""

    def __init__(self, bucket: Bucket, mirror: Mirror) -> None:
        self._bucket = bucket
        self._approvals: Table[tuple[ReleaseName, Fingerprint, str], Approval] = Table(
            mirror, REQUESTS_BUCKET, APPROVALS, Approval, _approval_key
        )
        self._suspensions: Table[ReleaseName, Suspension] = Table(
            mirror, REQUESTS_BUCKET, SUSPENSIONS, Suspension, lambda item: item.release
        )
        self._retries: Table[ReleaseName, Retry] = Table(
            mirror, REQUESTS_BUCKET, RETRIES, Retry, lambda item: item.release
        )

    def read(self) -> Requests:
        """Return everything that is asked for now."""
        return Requests(
            approvals=tuple(self._approvals.read().values()),
            suspensions=self._suspensions.read(),
            retries=self._retries.read(),
        )

    async def approve(self, approval: Approval) -> None:
        """Let a release's fingerprint through; the same person's word counts once."""
        key = request_key(APPROVALS, approval.release, approval.fingerprint[:16], approval.approver)
        await self._bucket.put(key, encode(approval))

    async def suspend(self, suspension: Suspension) -> None:
        """Stop a release where it stands."""
        await self._bucket.put(request_key(SUSPENSIONS, suspension.release), encode(suspension))

    async def resume(self, release: ReleaseName) -> None:
        """Let a suspended release go on."""
        await self._bucket.delete(request_key(SUSPENSIONS, release))

    async def retry(self, retry: Retry) -> None:
        """Let a failed fingerprint be tried once more."""
        await self._bucket.put(request_key(RETRIES, retry.release), encode(retry))


def _approval_key(approval: Approval) -> tuple[ReleaseName, Fingerprint, str]:
    return approval.release, approval.fingerprint, approval.approver
