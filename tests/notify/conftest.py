"""Somebody to be told."""

from collections.abc import AsyncIterator

import pytest

from reconciler.notify.post import Poster
from tests.notify.far_end import FarEnd, far_end
from tests.support.clock import FakeClock


@pytest.fixture
async def end() -> AsyncIterator[FarEnd]:
    async with far_end() as served:
        yield served


@pytest.fixture
def poster() -> Poster:
    return Poster(clock=FakeClock(), allow_loopback=True)
