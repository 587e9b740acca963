"""Each port twice: the adapter on a real nats-server, and the fake on a world in memory.

The adapters connect as users that are permitted what a controller or a person needs, and nothing
else; a test during which the server refused them anything fails.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from reconciler.cli.roles import Role
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from tests.support.fake_connection import FakeConnection
from tests.support.fake_world import World
from tests.support.kanade_streams import make_kanade
from tests.support.nats import NatsProcess
from tests.support.nats_users import connected_as, permitted
from tests.support.streams import connected


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a port stands on: a world, or the connection to an account that has kanade's streams."""

    stack: AsyncExitStack
    url: str
    world: World | None
    admin: Connection | None
    """Somebody who may do everything: kanade itself, its agents."""

    async def connect(self, role: Role = Role.CONTROLLER) -> Connection:
        """Return a new connection to the account."""
        if self.world is not None:
            return FakeConnection(self.world.nats)
        return await self.stack.enter_async_context(connected_as(role, self.url))

    async def delete_stream(self, name: str) -> None:
        """Let an operator delete a stream of ours."""
        connection = self.admin or await self.connect()
        await api.call(connection, f"STREAM.DELETE.{name}", {}, dict[str, object], name)


@pytest.fixture(params=["fake", "nats"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            yield Ground(stack=stack, url="", world=World(), admin=None)
            return
        url: str = request.getfixturevalue("nats_account")
        server: NatsProcess = request.getfixturevalue("nats_server")
        with permitted(server.log, url):
            admin = await stack.enter_async_context(connected(url))
            await make_kanade(admin)
            yield Ground(stack=stack, url=url, world=None, admin=admin)
            await stack.aclose()
