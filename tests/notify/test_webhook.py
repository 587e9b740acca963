"""Webhooks as they arrive: signed over the very bytes, and the two chats' own."""

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest

from reconciler.errors import SecretUnavailable
from reconciler.model.status import Event
from reconciler.notify.flux import flux_event
from reconciler.notify.post import Poster
from reconciler.notify.slack import slack_message
from reconciler.notify.teams import teams_card
from reconciler.notify.webhook import Chat, Webhook
from tests.notify.far_end import FarEnd
from tests.notify.happenings import CONVERGED

KEY = "a shared key"


async def test_a_webhook_is_fluxs_event_signed_as_flux_does(end: FarEnd, poster: Poster) -> None:
    hook = Webhook(
        poster=poster, address=lambda: f"{end.address}/hook", instance="one", key=lambda: KEY
    )

    await hook.send(CONVERGED)

    (request,) = end.requests
    signature = hmac.new(KEY.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Signature"] == f"sha256={signature}"
    assert request.headers["Gotk-Component"] == "kanade-reconciler"
    assert request.headers["Idempotency-Key"] == CONVERGED.id
    assert request.headers["Content-Type"] == "application/json"
    assert request.json == flux_event(CONVERGED, "one")


async def test_without_a_key_there_is_no_signature(end: FarEnd, poster: Poster) -> None:
    await Webhook(poster=poster, address=lambda: end.address, instance="one").send(CONVERGED)

    assert "X-Signature" not in end.requests[0].headers


@pytest.mark.parametrize("message", [slack_message, teams_card])
async def test_a_chat_is_sent_its_own_format(
    end: FarEnd, poster: Poster, message: Callable[[Event, str | None], object]
) -> None:
    address = f"{end.address}/services/T0/B0/secret"

    await Chat(poster=poster, address=lambda: address, message=message).send(CONVERGED)

    (request,) = end.requests
    assert request.path == "/services/T0/B0/secret"
    assert request.body == json.dumps(message(CONVERGED, None)).encode()


async def test_a_secret_that_is_gone_stops_it_and_what_holds_it_never_shows_it(
    end: FarEnd, poster: Poster
) -> None:
    def gone() -> str:
        raise SecretUnavailable("secret hook: the file cannot be read")

    hook = Webhook(poster=poster, address=lambda: end.address, instance="one", key=gone)
    with pytest.raises(SecretUnavailable):
        await hook.send(CONVERGED)

    assert end.requests == []
    assert "key" not in repr(hook)
