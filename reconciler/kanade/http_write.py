"""What is changed over HTTP: the backend knows no terms of ours, so each write asks first."""

from dataclasses import replace
from datetime import timedelta

from reconciler.kanade.http import Answer, Ask, BackendClient
from reconciler.ports import Lease

WRITE_WITHIN = timedelta(seconds=6)
"""The deadline of a write: well within what is left of a lease that was just renewed."""
MARGIN = timedelta(seconds=2)
"""How much longer than that the lease must last."""


class BackendWriter:
    """The only way by which the adapters change something through the backend.

    The lease is renewed before each request, the second one after a refused token included, and
    for longer than the request may take: who was stopped before it sends nothing on waking up.
    """

    def __init__(self, client: BackendClient, lease: Lease) -> None:
        self._client = client
        self._lease = lease

    def endpoint(self, ask: Ask) -> str:
        """See `BackendClient.endpoint`."""
        return self._client.endpoint(ask)

    async def write(self, ask: Ask) -> Answer:
        """Ask within `WRITE_WITHIN`, whatever *ask* says; raises what `upload` raises."""
        return await self.upload(replace(ask, within=WRITE_WITHIN))

    async def upload(self, ask: Ask) -> Answer:
        """Send a body that takes longer: it has to `confirm` before its end, which names it.

        Raises:
            LeaseLost: another controller leads; nothing was sent.
            ReconcilerError: what `BackendClient.request` raises.
        """
        return await self._client.request(ask, self.confirm)

    async def confirm(self) -> None:
        """Make sure that we lead for as long as a write may take; see `ports.Lease`."""
        await self._lease.confirm(for_at_least=WRITE_WITHIN + MARGIN, renew=True)
