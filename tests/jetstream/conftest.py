"""A connection to an account of the test's own."""

from collections.abc import AsyncIterator

import pytest

from reconciler.jetstream.connection import Connection
from tests.support.streams import connected


@pytest.fixture
async def connection(nats_account: str) -> AsyncIterator[Connection]:
    async with connected(nats_account) as connection:
        yield connection
