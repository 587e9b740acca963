"""Each port twice: the adapter on a real nats-server, and the fake on a world in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from reconciler.jetstream.connection import Connection
from tests.support.fake_world import World
from tests.support.kanade_streams import make_kanade
from tests.support.streams import connected


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a port stands on: a world, or the connection to an account that has kanade's streams."""

    stack: AsyncExitStack
    url: str
    world: World | None
    connection: Connection | None

    async def another(self) -> Connection:
        """Return one more connection to the same account, for somebody else."""
        return await self.stack.enter_async_context(connected(self.url))


@pytest.fixture(params=["fake", "nats"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            yield Ground(stack=stack, url="", world=World(), connection=None)
            return
        url: str = request.getfixturevalue("nats_account")
        connection = await stack.enter_async_context(connected(url))
        await make_kanade(connection)
        yield Ground(stack=stack, url=url, world=None, connection=connection)
