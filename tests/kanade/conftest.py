"""An account with kanade's buckets in it, and kanade's own messages."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reconciler.jetstream.connection import Connection
from reconciler.model.identity import Json
from tests.support.kanade_streams import make_kanade
from tests.support.streams import connected

_DATA = Path(__file__).with_name("data")


@pytest.fixture
async def kanade(nats_account: str) -> AsyncIterator[Connection]:
    async with connected(nats_account) as connection:
        await make_kanade(connection)
        yield connection


@pytest.fixture(scope="session")
def captured() -> Callable[[str], Json]:
    """Read a message that the real kanade has written."""

    def read(name: str) -> Json:
        content: Json = json.loads((_DATA / name).read_text())
        return content

    return read
