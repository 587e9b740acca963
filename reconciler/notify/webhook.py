"""Webhooks: Flux's Event as JSON, signed where there is a key; and the two chats' own formats."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.model.status import Event
from reconciler.notify.flux import flux_json
from reconciler.notify.page import NOWHERE, Page
from reconciler.notify.post import Poster
from reconciler.notify.wording import CONTROLLER

_JSON = {"Content-Type": "application/json"}

Reveal = Callable[[], str]
"""Reads a secret when it is needed; raises `SecretUnavailable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Anybody's endpoint; `X-Signature` is that of Flux's `generic-hmac`."""

    poster: Poster
    address: Reveal = field(repr=False)
    instance: str
    page: Page = NOWHERE
    key: Reveal | None = field(default=None, repr=False)

    async def send(self, event: Event) -> None:
        """See `target.Provider`."""
        body = flux_json(event, self.instance, self.page.link(event))
        headers = {**_JSON, "Gotk-Component": CONTROLLER, "Idempotency-Key": event.id}
        if self.key is not None:
            signature = hmac.new(self.key().encode(), body, hashlib.sha256).hexdigest()
            headers["X-Signature"] = f"sha256={signature}"
        await self.poster.ask("POST", self.address(), headers=headers, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A channel's incoming webhook; its address is the secret."""

    poster: Poster
    address: Reveal = field(repr=False)
    message: Callable[[Event, str | None], object]
    page: Page = NOWHERE

    async def send(self, event: Event) -> None:
        """See `target.Provider`."""
        body = json.dumps(self.message(event, self.page.link(event))).encode()
        await self.poster.ask("POST", self.address(), headers=_JSON, body=body)
