"""One suite, two fleets: what holds for kanade must hold for the embedded stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.fleets import Fleet, lab_fleet, real_fleet
from tests.contract.real_kanade import binary

FLEETS = {"lab": lab_fleet, "real": real_fleet}


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=["lab", pytest.param("real", marks=pytest.mark.kanade)],
)
async def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    """The fleet under test, for the whole session: every test uses ids of its own."""
    if request.param == "real" and not binary("kanade-backend").exists():
        pytest.skip(f"{binary('kanade-backend')} is not there; run: make kanade")
    folder: Path = tmp_path_factory.mktemp(request.param)
    async with FLEETS[request.param](folder) as started:
        yield started
