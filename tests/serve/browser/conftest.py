"""One browser, and one server over a fleet, for all tests of a module."""

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from tests.serve.browser.chromium import launched
from tests.serve.controls import Fleet, fleet
from tests.serve.endpoints import OPEN, endpoints_of


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def seen() -> Fleet:
    return fleet()


@pytest_asyncio.fixture(loop_scope="module")
async def address(seen: Fleet) -> AsyncIterator[str]:
    """Where the page is; signing in is possible there, and looking needs none."""
    async with TestServer(endpoints_of(seen, OPEN)) as server:
        yield str(server.make_url(""))
