"""An account with kanade's buckets in it, and kanade's own messages."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from reconciler.jetstream.connection import Connection
from reconciler.model.identity import Json
from tests.contract.fleets import lab_fleet, real_fleet
from tests.contract.real_kanade import binary
from tests.support.adapters import Adapters, adapters_of
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


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=["lab", pytest.param("real", marks=pytest.mark.kanade)],
)
async def adapters(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Adapters]:
    """Every adapter, on the embedded fleet and on kanade's own programs."""
    if request.param == "real" and not binary("kanade-backend").exists():
        pytest.skip(f"{binary('kanade-backend')} is not there; run: make kanade")
    start = lab_fleet if request.param == "lab" else real_fleet
    async with (
        start(tmp_path_factory.mktemp(request.param)) as fleet,
        adapters_of(fleet) as adapters,
    ):
        yield adapters
