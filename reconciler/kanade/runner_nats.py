"""Commands over NATS: into the host's own slot in EXEC, where live agents hear them, too."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from reconciler.errors import Conflict, KanadeRefused, KanadeUnavailable, Unauthorized
from reconciler.jetstream import api
from reconciler.jetstream.connection import ANSWER_WITHIN, Connection
from reconciler.kanade.audit import Audit
from reconciler.kanade.command import command_payload
from reconciler.kanade.names import EXEC, commands_of
from reconciler.model.attempt import Attempt
from reconciler.model.identity import ExecId, HostName, Json, RequestId
from reconciler.ports import Clock


class NatsRunner:
    """Implements `ports.Runner`: the wish's id is the command's, so that it runs once."""

    def __init__(self, connection: Connection, clock: Clock, audit: Audit | None = None) -> None:
        self._connection = connection
        self._clock = clock
        self._audit = audit

    @property
    def answers_within(self) -> timedelta:
        """See `ports.Runner`."""
        return ANSWER_WITHIN

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        """See `ports.Runner`.

        Raises:
            KanadeRefused: the manifest makes no command, or the host cannot be addressed.
        """
        commands_of(attempt.wish.host)
        return replace(attempt, payload=command_payload(attempt, manifest))

    async def send(self, attempt: Attempt) -> Attempt:
        """See `ports.Runner`."""
        subject = commands_of(attempt.wish.host)
        payload = attempt.payload.encode()
        if len(payload) > self._connection.max_payload_bytes:
            raise KanadeRefused(
                f"{self._connection.at(subject)}: a command of {len(payload):,} bytes; at most "
                f"{self._connection.max_payload_bytes:,} can be sent: use a script object"
            )
        try:
            sequence = await api.store(self._connection, EXEC, subject, payload)
        except Unauthorized:
            raise
        except (KanadeRefused, Conflict) as error:
            # Agents hear the subject itself: what the stream refuses they may have run.
            raise KanadeUnavailable(
                f"{error}; a live agent may have got it all the same"
            ) from error
        if self._audit is not None:
            details: dict[str, Json] = {
                "exec_id": attempt.wish_id,
                "version": attempt.version,
                "target_count": 1,
                "subjects": [subject],
            }
            await self._audit.record("exec", attempt.job, details)
        return replace(
            attempt,
            sent_at=self._clock.now(),
            slot_sequence=sequence,
            request_id=RequestId(attempt.wish_id),
            exec_id=ExecId(attempt.wish_id),
        )

    async def withdraw(self, host: HostName, sequence: int) -> None:
        """Take a command out of *host*'s slot, if it still is the one at *sequence*.

        An agent that has got it already is not stopped by that: see `Fleet.kill`.
        """
        await api.purge(self._connection, EXEC, commands_of(host), before=sequence + 1)
