"""The page and the JSON API, with whom the settings let in."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reconciler.cli.links import secrets_of
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import ServeSettings, Settings
from reconciler.errors import UsageError
from reconciler.serve.authenticator import Authenticator, Keys, Proxy
from reconciler.serve.controls import Controls
from reconciler.serve.news import News
from reconciler.serve.server import WebUi
from reconciler.serve.sessions import Sessions
from reconciler.state.chronicle import Chronicle

_SHORTEST = 16


@asynccontextmanager
async def open_web_ui(settings: Settings, runtime: Runtime) -> AsyncIterator[WebUi | None]:
    """Open the page, and follow the events that it shows; `None` where none is served.

    Raises:
        SecretUnavailable: a token cannot be read.
        UsageError: a token is too short, or two people's.
    """
    served = settings.serve
    if served is None or not served.page:
        yield None
        return
    news, own, clock = News(), runtime.own, runtime.clock
    own.board.follow(news.notify)
    chronicle = Chronicle(runtime.connection, clock, news.notify)
    keys = keys_of(settings, served)
    tokens = {**keys.people, "": keys.token} if keys.token is not None else keys.people
    controls = Controls(
        status=own.board.read,
        events=chronicle,
        book=own.book,
        news=news,
        clock=clock,
        needs_signature=settings.approval.allowed_signers is not None,
    )
    async with asyncio.TaskGroup() as group:
        following = group.create_task(chronicle.run())
        try:
            yield WebUi(
                controls=controls, authenticator=Authenticator(keys, Sessions(tokens, clock))
            )
        finally:
            following.cancel()


def keys_of(settings: Settings, served: ServeSettings) -> Keys:
    """Return what lets people in; raises what `open_web_ui` raises."""
    secrets = secrets_of(settings)
    people = {name: secrets.resolve(own.name) for name, own in served.people.items()}
    token = secrets.resolve(served.token.name) if served.token is not None else None
    for name, own in people.items():
        if len(own) < _SHORTEST:
            message = f"serve.people.{name}: a token of fewer than {_SHORTEST} characters"
            raise UsageError(f"{message}; make one: openssl rand -hex 32")
    if len({*people.values(), token}) <= len(people):
        raise UsageError("serve.people: two of the tokens, or one and serve.token, are the same")
    return Keys(
        token=token,
        people=people,
        proxy=Proxy(
            networks=tuple(ipaddress.ip_network(text) for text in served.proxy.trusted),
            header=served.proxy.header,
        )
        if served.proxy is not None
        else None,
        secure=served.tls is not None or served.behind_proxy,
    )
