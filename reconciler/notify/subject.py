"""Flux's Event as JSON on a NATS subject, where Flux's and Argo's notifiers can read it."""

from dataclasses import dataclass

from reconciler.errors import KanadeRefused, Undeliverable
from reconciler.jetstream.connection import Connection
from reconciler.model.status import Event
from reconciler.notify.flux import flux_json
from reconciler.notify.page import NOWHERE, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One subject; a stream on it stores an event once, by its id."""

    connection: Connection
    subject: str
    instance: str
    page: Page = NOWHERE

    async def send(self, event: Event) -> None:
        """See `target.Provider`."""
        body, headers = (
            flux_json(event, self.instance, self.page.link(event)),
            {"Nats-Msg-Id": event.id},
        )
        try:
            await self.connection.publish(self.subject, body, headers)
        except KanadeRefused as error:
            raise Undeliverable(str(error)) from error
