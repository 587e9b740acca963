"""An embedded fleet for each module of tests, and one for a test that breaks it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from nats.aio.client import Client

from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from tests.lab.talk import connected

SERVICE = build_service("0.42.0")
QUICK = LabOptions(drain_seconds=0.1)


class MakeLab(Protocol):
    """Makes a lab in a folder of the test's own."""

    def __call__(
        self, hosts: list[str], options: LabOptions = QUICK
    ) -> AbstractAsyncContextManager[Lab]: ...


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """Two hosts; whoever stops a part of it starts that part again."""
    async with Lab(tmp_path_factory.mktemp("lab"), ["alpha", "beta"], SERVICE, QUICK) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(lab: Lab) -> AsyncIterator[Client]:
    """A connection to the lab's broker that survives its restarts."""

    async with connected(lab.nats_url) as connection:
        yield connection


@pytest.fixture
def make_lab(tmp_path: Path) -> MakeLab:
    """Make a lab of the test's own, in a folder of its own."""

    def make(hosts: list[str], options: LabOptions = QUICK) -> AbstractAsyncContextManager[Lab]:
        return Lab(tmp_path / "lab", hosts, SERVICE, options)

    return make
