"""The answers that are waited for, in one inbox; a loss or a refusal ends the wait at once."""

import asyncio
import itertools
from collections.abc import Callable

from nats import errors as nats_errors
from nats.aio.msg import Msg

_NO_RESPONDERS = "503"


class Replies:
    """Futures by the last token of their reply subject.

    nats-py has the same inside `request`, but lets a caller wait out its timeout when the
    server has long said no, and cannot leave many requests under way without a task for each.
    """

    def __init__(self, inbox: str) -> None:
        self._inbox = inbox
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[str, asyncio.Future[Msg]]] = {}

    @property
    def subject(self) -> str:
        """What to subscribe to."""
        return f"{self._inbox}.*"

    def expect(self, subject: str) -> tuple[str, asyncio.Future[Msg]]:
        """Return a reply subject for a request to *subject*, and the future of its answer."""
        token = str(next(self._numbers))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._waiting[token] = (subject, future)
        future.add_done_callback(lambda _: self._waiting.pop(token, None))
        return f"{self._inbox}.{token}", future

    async def deliver(self, message: Msg) -> None:
        """Settle the future that *message* answers."""
        _, future = self._waiting.get(message.subject.rpartition(".")[2], ("", None))
        if future is None or future.done():
            return
        if not message.data and (message.headers or {}).get("Status") == _NO_RESPONDERS:
            future.set_exception(nats_errors.NoRespondersError())
        else:
            future.set_result(message)

    def fail(self, error: Exception) -> None:
        """End every wait."""
        for _, future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(error)

    def refuse(self, subject: str, error: Callable[[str], Exception]) -> bool:
        """End the waits for *subject*, given in lower case; True when there was one."""
        refused = [item for item in self._waiting.values() if item[0].casefold() == subject]
        for asked, future in refused:
            if not future.done():
                future.set_exception(error(asked))
        return bool(refused)
