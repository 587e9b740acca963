"""Send a command so that it runs once: its exact bytes are kept before they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.apply.last_look import LastLook
from reconciler.apply.way import Way
from reconciler.model.attempt import Attempt, Via
from reconciler.model.identity import Json
from reconciler.ports import Clock, Journal, Lease


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """Writes the intent, sends, and writes what the send gave away.

    A crash before the send leaves an intent that a later pass sends again, byte for byte; a
    crash after it leaves a command that the host's slot, its start or its result shows.
    """

    journal: Journal
    lease: Lease
    last_look: LastLook
    clock: Clock

    async def dispatch(
        self, attempt: Attempt, manifest: Mapping[str, Json], ways: Mapping[Via, Way]
    ) -> None:
        """Send a new attempt; its time runs from now, not from when it was planned.

        Raises:
            Conflict: it is not to be sent any more as it was planned; nothing was sent.
            KanadeUnavailable: it may have been sent; the intent stays in the journal.
            KanadeRefused: it was not sent, and will not be.
            LeaseLost: another controller leads; it was not sent.
        """
        self.last_look.check(attempt.wish, attempt.slot_before or 0)
        now = self.clock.now()
        deadline = now + (attempt.deadline_at - attempt.intended_at)
        attempt = replace(attempt, intended_at=now, deadline_at=deadline)
        intent = ways[attempt.via].runner.prepare(attempt, manifest)
        await self.journal.record(intent)
        await self._send(intent, ways)

    async def resend(self, attempt: Attempt, slot: int, ways: Mapping[Via, Way]) -> None:
        """Send the very bytes of an attempt that the journal already holds; see `dispatch`.

        *slot* is where the command stands that has taken its place.
        """
        self.last_look.check(attempt.wish, slot)
        await self._send(attempt, ways)

    async def _send(self, attempt: Attempt, ways: Mapping[Via, Way]) -> None:
        runner = ways[attempt.via].runner
        await self.lease.confirm(for_at_least=runner.answers_within)
        sent = await runner.send(attempt)
        await self.journal.record(replace(sent, sent_at=self.clock.now()))
