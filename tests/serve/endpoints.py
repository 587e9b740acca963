"""The page and the API served over HTTP, in this very process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

import msgspec
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from reconciler.serve.api.problem import Problem
from reconciler.serve.authenticator import Authenticator, Keys
from reconciler.serve.server import Endpoints, WebUi, application
from reconciler.serve.sessions import Sessions
from tests.serve.controls import Fleet

Client: TypeAlias = TestClient[Request, Application]
Told = TypeVar("Told")

ALICE = {"Authorization": "Bearer alices-token"}
VIEWER = {"Authorization": "Bearer looks-only"}
KEYS = Keys(token="looks-only", people={"alice": "alices-token"})
OPEN = Keys(people={"alice": "alices-token"})
"""On loopback: everybody here may read."""


def endpoints_of(shown: Fleet, keys: Keys, *, needs_signature: bool = False) -> Application:
    """Return the endpoints that serve *shown*."""
    sessions = Sessions({"": keys.token or "", **keys.people}, shown.clock)
    web_ui = WebUi(
        controls=shown.controls(needs_signature=needs_signature),
        authenticator=Authenticator(keys, sessions),
    )
    endpoints = Endpoints(host="127.0.0.1", port=0, token=keys.token, web_ui=web_ui)
    return application(endpoints, lambda: None, shown.clock)


@asynccontextmanager
async def opened(
    shown: Fleet, keys: Keys = OPEN, *, needs_signature: bool = False
) -> AsyncIterator[Client]:
    """Give a client of a real server over *shown*."""
    server = TestServer(endpoints_of(shown, keys, needs_signature=needs_signature))
    async with TestClient(server) as client:
        yield client


async def ask(client: Client, path: str, kind: type[Told], **query: str) -> Told:
    """Return what the API answers, read as what it is said to be."""
    async with client.get(f"/api/v1{path}", params=query) as reply:
        assert reply.status == 200, await reply.text()
        return msgspec.json.decode(await reply.read(), type=kind)


async def refused(client: Client, path: str, **query: str) -> tuple[int, str]:
    """Return the status and the detail of a problem."""
    async with client.get(f"/api/v1{path}", params=query) as reply:
        return reply.status, await problem(reply)


async def problem(reply: ClientResponse) -> str:
    """Return the detail of a problem, which is one line."""
    assert reply.content_type == "application/problem+json"
    found = msgspec.json.decode(await reply.read(), type=Problem)
    assert found.status == reply.status
    assert len(found.detail.splitlines()) == 1
    return found.detail
