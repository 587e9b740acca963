"""The end of an agent's log, asked of the agent itself.

kanade: `crates/kanade-agent/src/logs.rs`. The answer is text, at most 800 KiB of it and its last
lines; every line is ended. One that is not is the agent's message that it could not read the file.
"""

import asyncio
import json
from datetime import timedelta

from nats import errors as nats_errors

from reconciler.errors import HostOffline, KanadeRefused, KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.wire_errors import translated
from reconciler.kanade.names import logs_of
from reconciler.model.identity import HostName

_ANSWER_WITHIN = timedelta(seconds=10)
"""What kanade's own backend waits."""
_MOST_BYTES = 800 * 1024
_TROUBLE = b"logs.fetch: "


class NatsAgentLogs:
    """Implements `ports.AgentLogs`; a silent host is not taken for a silent server."""

    def __init__(self, connection: Connection, within: timedelta = _ANSWER_WITHIN) -> None:
        self._connection = connection
        self._within = within

    async def tail(self, host: HostName, lines: int) -> str:
        """See `ports.AgentLogs`."""
        subject = logs_of(host)
        with translated(self._connection.at(subject)):
            answer = await self._ask(host, subject, json.dumps({"tail_lines": lines}).encode())
        if answer.startswith(_TROUBLE) and not answer.endswith(b"\n"):
            message = answer.removeprefix(_TROUBLE).decode(errors="replace")
            raise KanadeRefused(f"the agent of {host} cannot show its log: {message[:500]}")
        return answer[-_MOST_BYTES:].decode(errors="replace")

    async def _ask(self, host: HostName, subject: str, payload: bytes) -> bytes:
        future = await self._connection.send_request(subject, payload)
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                return (await future).data
        except nats_errors.NoRespondersError as error:
            raise HostOffline(f"no agent answers for {host}: it is off, or cut off") from error
        except TimeoutError as error:
            seconds = self._within.total_seconds()
            raise KanadeUnavailable(
                f"the agent of {host} did not answer within {seconds:g} s"
            ) from error
