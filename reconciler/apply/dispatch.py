"""Send a command so that it runs once: its exact bytes are kept before they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.attempt import Attempt, Via
from reconciler.model.identity import Json
from reconciler.ports import Clock, Journal, Lease

if TYPE_CHECKING:
    from reconciler.apply.perform import Way


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """Writes the intent, sends, and writes what the send gave away.

    A crash before the send leaves an intent that a later pass sends again, byte for byte; a
    crash after it leaves a command that the host's slot, its start or its result tells of.
    """

    journal: Journal
    lease: Lease
    clock: Clock

    async def dispatch(
        self, attempt: Attempt, manifest: Mapping[str, Json], ways: "Mapping[Via, Way]"
    ) -> None:
        """Send a new attempt.

        Raises:
            KanadeUnavailable: it may have been sent; the intent stays in the journal.
            KanadeRefused: it was not sent, and will not be.
            LeaseLost: another controller leads; it was not sent.
        """
        runner = ways[attempt.via].runner
        intent = runner.prepare(attempt, manifest)
        await self.journal.record(intent)
        await self._send(intent, ways)

    async def resend(self, attempt: Attempt, ways: "Mapping[Via, Way]") -> None:
        """Send the very bytes of an attempt that the journal already holds; see `dispatch`."""
        await self._send(attempt, ways)

    async def _send(self, attempt: Attempt, ways: "Mapping[Via, Way]") -> None:
        runner = ways[attempt.via].runner
        await self.lease.confirm(for_at_least=runner.answers_within)
        sent = await runner.send(attempt)
        await self.journal.record(replace(sent, sent_at=self.clock.now()))
